"""What a release would meet in the target: runs under way, paused DAGs, runs that are due (R20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.analysis.outlook import Outlook
from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import LiveDag, RunFacts
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.models import Release, ReleaseItem
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.parsed_units import checked_units

_AHEAD = frozenset({ReleaseState.CHECKING, ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED})


@dataclass(frozen=True)
class NextRun:
    """When the scheduler creates it, and its data interval."""

    after: datetime
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class DagCutover:
    """
    One DAG of a release.

    :param is_live: whether the target serves it now
    :param is_paused: now; for a DAG that is new, as it will be created
    :param is_unpaused: whether the release unpauses it, because it runs it
    :param runs: those that are queued or running now
    :param lost_tasks: tasks that have not ended in these runs, and that the new version does not have
    :param schedule: of the new version
    :param outlook: what the scheduler would create, as the check saw it; ``None`` while that is not known
    """

    dag_id: str
    path: str
    change: ChangeKind
    is_live: bool
    is_paused: bool
    is_unpaused: bool
    runs: tuple[RunFacts, ...]
    lost_tasks: tuple[str, ...]
    schedule: str | None
    assets_in: tuple[str, ...]
    catchup: bool
    outlook: Outlook | None

    @property
    def is_removed(self) -> bool:
        """Whether it leaves the target."""
        return self.change is ChangeKind.DELETED

    @property
    def next_run(self) -> NextRun | None:
        """The next run by schedule; ``None`` when there is none, or when it is not known."""
        if self.outlook is None or not self.outlook.run_after:
            return None
        start, end = self.outlook.interval_start, self.outlook.interval_end
        return NextRun(
            after=datetime.fromisoformat(self.outlook.run_after),
            start=datetime.fromisoformat(start) if start else None,
            end=datetime.fromisoformat(end) if end else None,
        )

    @property
    def needs_care(self) -> bool:
        """Whether people should look at it before they agree."""
        due = self.outlook.due if self.outlook else 0
        is_waking = self.is_unpaused or (self.is_live and self.is_paused)
        return bool(self.runs or self.lost_tasks) or is_waking or self.is_removed or due > 1


def get_cutover(ctx: Context, *, actor: Actor, release_id: int) -> tuple[DagCutover, ...]:
    """Each DAG of a release that the actor may see."""
    return of_release(ctx, releases.get(ctx, actor=actor, release_id=release_id))


def of_release(ctx: Context, release: Release) -> tuple[DagCutover, ...]:
    """Each DAG of a release: what is live read now, the rest as its check found it."""
    parsed = {dag.dag_id: dag for unit in checked_units(ctx, release).values() for dag in unit.dags}
    live = ctx.airflow.serving.live_dags(release.dag_ids)
    return tuple(
        _cutover(ctx, release, item, dag_id, live, parsed.get(dag_id))
        for item in release.items
        for dag_id in item.dag_ids
    )


def is_ahead(state: ReleaseState) -> bool:
    """Whether a release in this state has its cut-over before it."""
    return state in _AHEAD


def _cutover(
    ctx: Context,
    release: Release,
    item: ReleaseItem,
    dag_id: str,
    live: Mapping[str, LiveDag],
    parsed: ParsedDag | None,
) -> DagCutover:
    now = live.get(dag_id)
    is_removed = item.change is ChangeKind.DELETED
    tasks = {task.task_id for task in parsed.tasks} if parsed else set()
    lost = now.open_tasks - tasks if now and parsed and not is_removed else frozenset[str]()
    is_paused = now.is_paused if now else _starts_paused(ctx, parsed)
    return DagCutover(
        dag_id=dag_id,
        path=item.path,
        change=item.change,
        is_live=now is not None,
        is_paused=is_paused,
        is_unpaused=is_paused and release.run_after_release and not is_removed,
        runs=now.runs if now else (),
        lost_tasks=tuple(sorted(lost)),
        schedule=parsed.schedule if parsed else None,
        assets_in=parsed.assets_in if parsed else (),
        catchup=parsed is not None and parsed.catchup,
        outlook=parsed.outlook if parsed else None,
    )


def _starts_paused(ctx: Context, parsed: ParsedDag | None) -> bool:
    if parsed is not None and parsed.paused_at_creation is not None:
        return parsed.paused_at_creation
    return ctx.airflow.serving.is_paused_at_creation()
