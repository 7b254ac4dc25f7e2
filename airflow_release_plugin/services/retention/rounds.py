"""The round that one of the API servers makes once a day, say, to remove what is kept no longer."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.services.retention import cleaning
from airflow_release_plugin.services.runtime import leases
from airflow_release_plugin.services.runtime.background import Work, in_transaction
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

LEASE_NAME = "retention"
_LEASE = timedelta(hours=1)
_LOOK = 600.0
"""Seconds between two looks at whether a round is due: servers restart more often than rounds come."""
_BEGAN = "began_at"


def pause(interval: float) -> float:
    """Seconds between two looks; 0 where there are no rounds."""
    return min(interval, _LOOK)


def run_once(*, interval: float, work: Work = unit_of_work, stop: Event | None = None, by: str = "") -> bool:
    """
    Make a round if one is due; say whether this process did. One that ends early is not made up for.

    :param interval: seconds between the beginnings of two rounds
    :param by: who looks; this process if empty
    """
    due: list[bool] = []
    if not in_transaction(work, lambda ctx: due.append(_begin(ctx, interval, by))) or not due[0]:
        return False
    cleaning.clean(actor=SYSTEM, work=work, stop=stop)
    return True


def _begin(ctx: Context, interval: float, by: str) -> bool:
    lease = leases.take(ctx, LEASE_NAME, _LEASE, by=by)
    if lease is None:
        return False
    now, began = ctx.clock(), lease.notes.get(_BEGAN)
    if began and timedelta(0) <= now - datetime.fromisoformat(began) < timedelta(seconds=interval):
        return False
    lease.notes = {_BEGAN: now.isoformat()}
    return True
