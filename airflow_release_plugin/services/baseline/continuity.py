"""After the switch to the adopted bundle, and after the way back: nothing may have changed (R21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_release_plugin.domain.ports import DagStanding
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.baseline.adoption import adoption
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class Continuity:
    """
    How the adopted DAGs stand now.

    :param bundles: number of active DAGs by the bundle that serves them
    :param waiting: DAGs that Airflow has not parsed again yet; look again in a moment
    :param differences: sentences on what is not as it was
    """

    dags: int
    bundles: dict[str, int]
    waiting: tuple[str, ...]
    differences: tuple[str, ...]


def compare(ctx: Context) -> Continuity:
    """
    Compare the adopted DAGs with what they were when they were adopted.

    :raises NotFoundError: nothing was adopted
    """
    release = adoption(ctx)
    if release is None:
        raise NotFoundError(
            "%(environment)r was not adopted from a bundle; nothing to compare.",
            environment=ctx.settings.environment,
        )
    (report,) = (r for r in report_queries.of_release(ctx.session, release.id) if r.kind is ReportKind.CHECK)
    facts = report.items[0].facts
    before = {
        name: standing for item in report.items for name, standing in item.facts.get("standings", {}).items()
    }
    now = ctx.airflow.bundles.standings(before, up_to_run=facts["newest_run"])
    served = {ctx.settings.environment, facts["bundle"]}
    waiting = sorted(n for n in before if n in now and not (now[n].active and now[n].bundle in served))
    return Continuity(
        dags=len(before),
        bundles=dict(Counter(s.bundle for s in now.values() if s.active)),
        waiting=tuple(waiting),
        differences=tuple(
            line for name in sorted(before) for line in _differences(name, before[name], now.get(name))
        ),
    )


def _differences(name: str, before: dict[str, Any], now: DagStanding | None) -> Iterator[str]:
    if now is None:
        yield Message("%(dag_id)s: Airflow does not know it any more", dag_id=name)
        return
    if now.paused != before["paused"]:
        yield (
            Message("%(dag_id)s: is paused", dag_id=name)
            if now.paused
            else Message("%(dag_id)s: is not paused any more", dag_id=name)
        )
    if now.schedule != before["schedule"]:
        yield Message(
            "%(dag_id)s: schedule %(schedule)s, was %(before)s",
            dag_id=name,
            schedule=now.schedule or Message("none"),
            before=before["schedule"] or Message("none"),
        )
    if now.runs != before["runs"]:
        yield Message(
            "%(dag_id)s: %(runs)s of %(before)s runs are left",
            dag_id=name,
            runs=now.runs,
            before=before["runs"],
        )
    expected = datetime.fromisoformat(before["next_run"]) if before["next_run"] else None
    if expected and now.first_new_run and now.first_new_run < expected:
        yield Message(
            "%(dag_id)s: ran again for %(run)s, before %(expected)s",
            dag_id=name,
            run=now.first_new_run.isoformat(),
            expected=expected.isoformat(),
        )
    if expected and now.next_run and now.next_run < expected:
        yield Message(
            "%(dag_id)s: would run again for %(run)s, before %(expected)s",
            dag_id=name,
            run=now.next_run.isoformat(),
            expected=expected.isoformat(),
        )
