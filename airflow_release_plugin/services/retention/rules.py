"""Which rows go after which time; what a run, a served version or an open release needs is in no rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_release_plugin.models import (
    Export,
    Import,
    MachineLook,
    Notice,
    Notification,
    Report,
    TaskClaim,
    ViewedFile,
)
from airflow_release_plugin.models.base import Base
from airflow_release_plugin.repositories import retention as queries
from airflow_release_plugin.services.runtime.context import Settings


@dataclass(frozen=True)
class Rule:
    """
    What goes of one table.

    :param kind: what people call it
    :param days: how long it is kept; 0 for ever
    """

    kind: str
    model: type[Base]
    may_go: queries.MayGo
    days: Callable[[Settings], int]


def _notifications(settings: Settings) -> int:
    return settings.keep_notifications_days


def _transfers(settings: Settings) -> int:
    return settings.keep_transfers_days


def _details(settings: Settings) -> int:
    return settings.keep_details_days


RULES = (
    Rule("notifications sent", Notification, queries.sent_notifications, _notifications),
    Rule("notices to people", Notice, queries.told_notices, _notifications),
    Rule("exports", Export, queries.ended_exports, _transfers),
    Rule("imports", Import, queries.fruitless_imports, _transfers),
    Rule("reports of earlier attempts", Report, queries.earlier_reports, _details),
    Rule("ticks of reviewers", ViewedFile, queries.viewed_files, _details),
    Rule("claims of tasks", TaskClaim, queries.task_claims, _details),
    Rule("machines that are gone", MachineLook, queries.quiet_machines, _details),
)
