"""What the target holds now, DAG by DAG: version, release, trial in dev, what Airflow does with it, drift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.ports import RunFacts
from airflow_release_plugin.domain.release.drift import Finding
from airflow_release_plugin.domain.release.target_dags import (
    EVERY_TARGET_DAG,
    ServingState,
    TargetDagFilter,
)
from airflow_release_plugin.domain.release.trials import Trial
from airflow_release_plugin.domain.text.search import search
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import machines, submissions
from airflow_release_plugin.repositories import target_dags as queries
from airflow_release_plugin.repositories.pages import Page, require_order
from airflow_release_plugin.repositories.target_dags import LiveVersion
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import dev_trials

BATCH = 500
"""DAGs that a list without end looks up at once."""


class TargetRow(NamedTuple):
    """One DAG before anything is looked up for it."""

    dag_id: str
    live: LiveVersion
    state: ServingState


@dataclass(frozen=True)
class TargetDag:
    """
    One DAG of the target.

    :param live: the version that the target holds, with the release that brought it
    :param version: the same with everything
    :param trial: the dev run of exactly its files; ``None`` where no dev run could have tried it
    :param runs: its newest ones, the last one in front
    :param drift: what machines found of its files
    """

    dag_id: str
    live: LiveVersion
    version: Submission
    state: ServingState
    trial: Trial | None
    runs: tuple[RunFacts, ...]
    drift: tuple[Finding, ...]

    @property
    def released_by(self) -> Person | None:
        """Who gave the last approval; nobody had to for what was adopted."""
        row = self.live
        return None if row.released_by_id is None else Person(row.released_by_id, row.released_by_name or "")


ORDER_COLUMNS: Mapping[str, Callable[[TargetRow], Any]] = {
    "dag_id": lambda row: row.dag_id,
    "version": lambda row: row.live.version,
    "release": lambda row: row.live.release_id or 0,
    "released_at": lambda row: row.live.released_at.timestamp() if row.live.released_at else 0.0,
    "released_by": lambda row: row.live.released_by_name or "",
    "state": lambda row: row.state.value,
}
"""What the list can be ordered by."""


def list_target_dags(
    ctx: Context,
    *,
    actor: Actor,
    name: str,
    criteria: TargetDagFilter = EVERY_TARGET_DAG,
    order_by: str = "dag_id",
    limit: int = 50,
    offset: int = 0,
) -> Page[TargetDag]:
    """
    A page of what the environment holds now, of the DAGs that the actor may read.

    A fixed number of queries; only what is on the page is looked up in Airflow and in the versions.

    :raises NotFoundError: there is no such environment
    """
    rows = _rows(ctx, actor, name, criteria, order_by)
    return Page(_looked_up(ctx, rows[offset : offset + limit]), len(rows))


def every_target_dag(
    ctx: Context,
    *,
    actor: Actor,
    name: str,
    criteria: TargetDagFilter = EVERY_TARGET_DAG,
    order_by: str = "dag_id",
) -> Iterator[TargetDag]:
    """All rows of :func:`list_target_dags`, looked up part by part."""
    rows = _rows(ctx, actor, name, criteria, order_by)
    for start in range(0, len(rows), BATCH):
        yield from _looked_up(ctx, rows[start : start + BATCH])


def _rows(ctx: Context, actor: Actor, name: str, criteria: TargetDagFilter, order_by: str) -> list[TargetRow]:
    environments.require_known(ctx, name)
    require_order(order_by, ORDER_COLUMNS)
    paused = ctx.airflow.serving.paused(name)
    live = queries.live_versions(ctx.session, ctx.settings.source)
    rows = [TargetRow(dag_id, row, _state(paused.get(dag_id))) for row in live for dag_id in row.dag_ids]
    rows = _readable(ctx, actor, rows)
    drifted = _drifted_versions(ctx, name) if criteria.drifted else None
    rows = [
        row
        for row in rows
        if (not criteria.released_by or row.live.released_by_name == criteria.released_by)
        and (criteria.state is None or row.state is criteria.state)
        and (drifted is None or row.live.submission_id in drifted)
    ]
    rows.sort(key=lambda row: row.dag_id)
    if criteria.search:
        rows = [row for _, row in search(criteria.search, rows, _names)]
    key = ORDER_COLUMNS[order_by.removeprefix("-")]
    return sorted(rows, key=key, reverse=order_by.startswith("-"))


def _names(row: TargetRow) -> tuple[str, str, str]:
    return row.dag_id, row.live.path, row.live.release_number or ""


def _state(is_paused: bool | None) -> ServingState:
    if is_paused is None:
        return ServingState.NOT_SERVED
    return ServingState.PAUSED if is_paused else ServingState.ACTIVE


def _readable(ctx: Context, actor: Actor, rows: list[TargetRow]) -> list[TargetRow]:
    if access.is_executor(ctx, actor):
        return rows
    readable = ctx.airflow.access.readable(actor, access.both_ids(ctx, [row.dag_id for row in rows]))
    return [row for row in rows if not readable.isdisjoint(access.both_ids(ctx, [row.dag_id]))]


def _drift_by_path(ctx: Context, name: str) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for look in machines.looks(ctx.session, name):
        for finding in look.findings:
            if finding.path:
                found[finding.path].append(finding)
    return found


def _drifted_versions(ctx: Context, name: str) -> set[int]:
    paths = _drift_by_path(ctx, name).keys()
    return queries.live_with_paths(ctx.session, ctx.settings.source, paths) if paths else set()


def _looked_up(ctx: Context, rows: Sequence[TargetRow]) -> list[TargetDag]:
    ids = {row.live.submission_id for row in rows}
    versions = {row.id: row for row in submissions.submissions_by_id(ctx.session, ids)}
    trials = {
        (version_id, trial.dag_id): trial
        for version_id, tried in dev_trials.tried(ctx, versions.values()).items()
        for trial in tried
    }
    runs = ctx.airflow.serving.recent_runs([row.dag_id for row in rows])
    drift = _drift_by_path(ctx, ctx.settings.environment)
    return [
        TargetDag(
            row.dag_id,
            row.live,
            versions[row.live.submission_id],
            row.state,
            trials.get((row.live.submission_id, row.dag_id)),
            runs.get(row.dag_id, ()),
            _drift_of(versions[row.live.submission_id], drift),
        )
        for row in rows
    ]


def _drift_of(version: Submission, drift: Mapping[str, list[Finding]]) -> tuple[Finding, ...]:
    if not drift:
        return ()
    return tuple(finding for entry in version.entries for finding in drift.get(entry.path, ()))
