"""
How things stand, told to Airflow's Stats by one server at a time, again and again.

A look costs a fixed number of queries. Nobody looks where Airflow sends no metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.metrics import Metric
from airflow_release_plugin.domain.states import OPEN_RELEASE_STATES, NotificationState
from airflow_release_plugin.repositories import figures
from airflow_release_plugin.repositories.figures import Figure
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.releases import holds, schedule
from airflow_release_plugin.services.runtime import leases
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.server import health

PAUSE = 30.0
"""Seconds between two looks."""
LEASE_NAME = "gauges"
_LEASE = timedelta(seconds=2 * PAUSE)


class Reading(NamedTuple):
    """What a gauge is set to."""

    metric: Metric
    value: float
    tags: dict[str, str]


def run_once(*, work: Work = unit_of_work, by: str = "") -> bool:
    """
    Tell how things stand; say whether this process did, or leaves it to another one.

    :param by: who looks; this process if empty
    """
    with work() as (ctx, _):
        if not ctx.airflow.metrics.are_sent() or leases.take(ctx, LEASE_NAME, _LEASE, by=by) is None:
            return False
        for reading in readings(ctx):
            ctx.airflow.metrics.send(reading.metric, reading.value, **reading.tags)
    return True


def readings(ctx: Context) -> Iterator[Reading]:
    """Every gauge, also those of which there is nothing: who alerts on one has to see it fall."""
    session, now, name = ctx.session, ctx.clock(), ctx.settings.environment
    releases = figures.open_releases(session, now)
    for state in sorted(OPEN_RELEASE_STATES):
        figure = releases.get(state, Figure())
        yield Reading(metrics.RELEASES, figure.number, {"state": state.value})
        yield Reading(metrics.STATE_AGE, figure.age(now), {"state": state.value})
    ready = schedule.ready_since(ctx, figures.approved_releases(session, now))
    yield Reading(metrics.STUCK_AGE, Figure(1, ready).age(now), {})
    approvals = figures.open_approvals(session, now)
    for subject in ("release", "gate"):
        figure = approvals.get(subject, Figure())
        yield Reading(metrics.APPROVALS, figure.number, {"subject": subject})
        yield Reading(metrics.APPROVAL_AGE, figure.age(now), {"subject": subject})
    unsent = figures.unsent(session)
    for each in (NotificationState.PENDING, NotificationState.FAILED):
        yield Reading(metrics.NOTIFICATIONS, unsent.get(each, 0), {"state": each.value})
    yield Reading(metrics.CANDIDATES, figures.candidates(session), {})
    yield Reading(metrics.DRIFT, figures.drift(session, name), {})
    yield Reading(metrics.HELD, holds.in_force(ctx, name) is not None, {})
    yield Reading(metrics.MIRROR_TROUBLE, standing.alarm(ctx) is not None, {})
    found = health.look_in(ctx)
    yield Reading(metrics.SILENT_MACHINES, len(found.silent), {})
    harmless = sum(problem in health.HARMLESS for problem in found.problems)
    yield Reading(metrics.HEALTH_PROBLEMS, harmless, {"weight": "degraded"})
    yield Reading(metrics.HEALTH_PROBLEMS, len(found.problems) - harmless, {"weight": "unhealthy"})
