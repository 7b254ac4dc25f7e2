"""What a worker needs in order to check a release: its units, and the trees that they are run in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import LastRun
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import snapshots, target_dags
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.background import Work as UnitOfWork
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.versions.contents import dag_files_to_parse
from airflow_release_plugin.services.versions.snapshot_commit import snapshot_commit
from airflow_release_plugin.services.versions.streams import framed
from airflow_release_plugin.store.wire import blobs_in, distinct_blobs


@dataclass(frozen=True)
class WorkUnit:
    """
    One version of the release that puts files into the target.

    :param snapshot: tree id of the source as it was when the version was submitted, or of the bundle that
        brought it; ``None`` for one that has neither: what a rollback brings back
    :param files: paths that the version consists of so far
    :param is_imported: whether a bundle brought it
    """

    submission_id: int
    path: str
    snapshot: str | None
    files: list[str]
    is_imported: bool


@dataclass(frozen=True)
class Work:
    """
    What there is to check.

    :param served: ids of DAGs by DAG file that the target holds
    :param last_runs: of the release's own DAGs, ``None`` for no run
    """

    release_id: int
    attempt: int
    environment: str
    base_commit: str | None
    change_digest: str
    units: list[WorkUnit]
    dag_files: list[str]
    served: dict[str, list[str]]
    deleted: list[str]
    timeout: int
    start_timeout: int
    file_timeout: int
    memory_mb: int
    require_confinement: bool
    last_runs: dict[str, LastRun | None]


@dataclass(frozen=True)
class TreeLists:
    """
    Every tree that the check of a release looks into.

    :param target: as it is now
    :param changes: what the release does to it
    :param snapshots: the source by tree id
    """

    target: tuple[FileEntry, ...]
    changes: tuple[TreeChange, ...]
    snapshots: Mapping[str, tuple[FileEntry, ...]]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of every blob in any of the trees."""
        brought = [change.entry for change in self.changes if change.entry]
        files = (*self.target, *brought, *(file for tree in self.snapshots.values() for file in tree))
        return {file.blob: file.size for file in files}


def work_of(ctx: Context, *, actor: Actor, release_id: int) -> Work:
    """What to check; the files are those of :func:`work_trees`."""
    access.require_executor(ctx, actor, Message("check releases"))
    release = releases.get(ctx, actor=actor, release_id=release_id)
    last_runs = ctx.airflow.serving.last_runs(release.dag_ids)
    return Work(
        release_id=release.id,
        attempt=release.attempt,
        environment=release.environment,
        base_commit=release.base_commit,
        change_digest=release.change_digest,
        units=_units(ctx, release),
        dag_files=dag_files_to_parse(ctx, release),
        served=target_dags.live_dag_files(ctx.session, ctx.settings.source),
        deleted=[change.path for change in release.changes if change.is_deletion],
        timeout=ctx.settings.check_timeout,
        start_timeout=ctx.settings.check_start_timeout,
        file_timeout=ctx.settings.check_file_timeout,
        memory_mb=ctx.settings.check_memory_mb,
        require_confinement=ctx.settings.require_confinement,
        last_runs={dag_id: last_runs.get(dag_id) for dag_id in release.dag_ids},
    )


def _units(ctx: Context, release: Release) -> list[WorkUnit]:
    brought = [item.submission for item in release.items if not item.submission.is_removal]
    trees = snapshots.tree_ids(ctx.session, {row.snapshot_id for row in brought if row.snapshot_id})
    return [
        WorkUnit(
            submission_id=row.id,
            path=row.path,
            snapshot=trees.get(row.snapshot_id) if row.snapshot_id else None,
            files=[file["path"] for file in row.closure],
            is_imported=row.import_id is not None,
        )
        for row in brought
    ]


def work_trees(ctx: Context, *, actor: Actor, release_id: int) -> TreeLists:
    """The files of every tree that the check looks into."""
    access.require_executor(ctx, actor, Message("read the trees of releases"))
    release = releases.get(ctx, actor=actor, release_id=release_id)
    wanted = {unit.snapshot for unit in _units(ctx, release) if unit.snapshot}
    return TreeLists(
        target=tuple(ctx.store.files(release.base_commit).values()),
        changes=release.changes,
        snapshots={
            tree: tuple(ctx.store.files(snapshot_commit(ctx, tree)).values()) for tree in sorted(wanted)
        },
    )


def stream_blobs(
    ctx: Context, *, actor: Actor, release_id: int, ranges: str, work: UnitOfWork = unit_of_work
) -> Iterator[bytes]:
    """
    The blobs in ``ranges`` of :func:`work_trees` as they travel; who may not is refused before the first.

    :param ranges: as :func:`airflow_release_plugin.store.wire.ranges_of` writes them; empty for all
    :raises InvalidRequestError: the ranges are not of these trees
    """
    sizes = work_trees(ctx, actor=actor, release_id=release_id).sizes
    every = distinct_blobs(sizes)
    return framed(blobs_in(every, ranges) if ranges else every, sizes, work)
