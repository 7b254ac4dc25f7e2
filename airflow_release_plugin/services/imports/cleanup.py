"""Sweeps up after imports: uploads that were left alone, and bundles that expired."""

from __future__ import annotations

from datetime import timedelta

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import imports as queries
from airflow_release_plugin.services.imports import endings
from airflow_release_plugin.services.runtime.background import Work, in_transaction
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

PATIENCE = timedelta(days=1)
"""An upload without a byte for this long is given up."""


def run_once(*, work: Work = unit_of_work) -> None:
    """Give up what is over; its file goes with it."""
    in_transaction(work, _give_up)


def _give_up(ctx: Context) -> None:
    for row in queries.abandoned(ctx.session, ctx.clock() - PATIENCE):
        endings.give_up(ctx, row, actor=SYSTEM, reason=Message("Nothing came for a day."))
    for row in queries.over(ctx.session, ctx.clock()):
        endings.expire(ctx, row)
