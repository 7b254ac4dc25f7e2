"""The look for drift that an API server takes again and again, at its own machine and at what all share."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

SECOND_LOOK = 5.0
"""Seconds before something new is looked at again: a promotion may be half done, a tree being switched."""


def run_once(
    *,
    interval: float,
    work: Work = unit_of_work,
    stop: Event | None = None,
    second_look: float = SECOND_LOOK,
) -> bool:
    """
    Look, and write down what was found; say whether this process did, or another one of the machine had.

    :param interval: seconds between the rounds
    """
    with work() as (ctx, _):
        name = ctx.settings.environment
        if not ctx.settings.has_target or _is_done(ctx, name, interval):
            return False
        drift_report = drift.look(ctx, name)
        if not drift_report.findings or not drift.is_news(ctx, drift_report):
            drift.report(ctx, drift_report, actor=SYSTEM)
            return True
    if (stop or Event()).wait(second_look):
        return False
    with work() as (ctx, _):
        drift.report(ctx, drift.look(ctx, name), actor=SYSTEM)
    return True


def _is_done(ctx: Context, name: str, interval: float) -> bool:
    """Whether a server process of this machine has looked just now."""
    before = drift.look_of_this_machine(ctx, name)
    return before is not None and ctx.clock() - before.looked_at < timedelta(seconds=interval / 2)
