"""What a rollback or retirement would do, worked out anew each time; nothing is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.release.rollback_scope import Scope
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import ConflictError, TooLargeError
from airflow_release_plugin.models import Release, Submission, Unit
from airflow_release_plugin.repositories import submissions as queries
from airflow_release_plugin.services.promotion import history
from airflow_release_plugin.services.rollbacks.targets import Overtaken, ResolvedTarget, look_up
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.contents import build_changes
from airflow_release_plugin.services.versions.versions import NOTHING, VersionContent

MAX_ROWS = 1000
"""Most units in one rollback: an environment goes back as one commit or not at all."""


@dataclass(frozen=True)
class Choice:
    """
    What people decided about shared files that other units need in their present form.

    :param include: paths of DAG files that go back as well
    :param keep: shared files that stay as they are
    """

    include: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PlannedUnit:
    """One unit: what the target holds now, what comes back (``None``: it is removed), the version to make."""

    unit: Unit
    now: Submission | None
    wanted: Submission | None
    draft: Submission


@dataclass(frozen=True)
class SharedUser:
    """A unit that needs a shared file; it can go back as well unless it did not exist at that time."""

    path: str
    dag_ids: tuple[str, ...]
    version: int
    can_include: bool


@dataclass(frozen=True)
class AffectedFile:
    """A file that would change under units that were released with its present content."""

    path: str
    users: tuple[SharedUser, ...]
    is_settled: bool


@dataclass(frozen=True)
class Busy:
    """A unit of the rollback that is in an open release."""

    path: str
    version: int
    release_id: int | None
    is_rollback: bool


@dataclass(frozen=True)
class RollbackPlan:
    """
    Exactly what a rollback would do.

    :param digest: of the changes; a request must name the one that its author saw
    :param extra: shared files that go back though no row brings them
    """

    kind: ReleaseKind
    title: str
    base_commit: str | None
    rows: tuple[PlannedUnit, ...]
    changes: tuple[TreeChange, ...]
    extra: tuple[TreeChange, ...]
    digest: str
    overtaken: tuple[Overtaken, ...]
    shared: tuple[AffectedFile, ...]
    busy: tuple[Busy, ...]
    undoes: Release | None

    @property
    def drafts(self) -> list[Submission]:
        """The versions to make."""
        return [row.draft for row in self.rows]

    @property
    def dag_ids(self) -> list[str]:
        """Sorted ids of the DAGs that it touches, as they are now and as they will be."""
        both = (row.draft.dag_ids + (row.now.dag_ids if row.now else []) for row in self.rows)
        return sorted({dag_id for ids in both for dag_id in ids})

    @property
    def unsettled(self) -> list[AffectedFile]:
        """Shared files that nobody has decided about yet."""
        return [shared for shared in self.shared if not shared.is_settled]


def plan(ctx: Context, *, actor: Actor, scope: Scope, choice: Choice | None = None) -> RollbackPlan:
    """
    Work out a rollback or retirement; nothing is stored.

    :raises NotAllowedError: the actor may not edit a DAG that it touches
    :raises ConflictError: nothing to do, or what is to be undone is not in the target
    :raises TooLargeError: more units than one rollback may have
    """
    choice = choice or Choice()
    goal = look_up(ctx, scope, actor=actor)
    wanted = {**_included(ctx, goal, choice), **goal.wanted}
    if len(wanted) > MAX_ROWS:
        raise TooLargeError(
            "%(number)s Dag files would change; one rollback takes %(most)s. Choose a later moment.",
            number=len(wanted),
            most=MAX_ROWS,
        )
    units = {unit.id: unit for unit in queries.units(ctx.session, ctx.settings.source) if unit.id in wanted}
    head, then = _trees(ctx, goal, wanted)
    rows = [
        _row(ctx, goal, units[unit], version, {**then, **_kept(head, choice)}, actor)
        for unit, version in wanted.items()
    ]
    rows = sorted((row for row in rows if not _is_there(row, head)), key=lambda row: row.draft.path)
    extra = tuple(TreeChange(e.path, e) for e in _extra(ctx, goal, wanted) if e.path not in choice.keep)
    if not rows:
        raise ConflictError("%(goal)s: nothing to do, the target is like that already.", goal=goal.title)
    changes = build_changes(ctx, [row.draft for row in rows], goal.point.head, extra)
    made = RollbackPlan(
        kind=goal.kind,
        title=goal.title,
        base_commit=goal.point.head,
        rows=tuple(rows),
        changes=changes,
        extra=extra,
        digest=change_digest(changes, target=ctx.settings.environment, kind=goal.kind),
        overtaken=tuple(goal.overtaken),
        shared=_shared(ctx, goal, wanted, changes, choice),
        busy=_busy(ctx, wanted),
        undoes=goal.undoes,
    )
    if actor.kind is not ActorKind.SYSTEM and not access.is_admin(ctx, actor):
        access.require_edit(ctx, actor, made.dag_ids)
    _refuse_clash(goal, made)
    return made


def _included(ctx: Context, goal: ResolvedTarget, choice: Choice) -> dict[int, Submission | None]:
    chosen = {unit for unit, row in goal.live.items() if row.path in choice.include}
    return dict(history.versions_at(ctx, chosen, goal.point))


def _trees(
    ctx: Context, goal: ResolvedTarget, wanted: Mapping[int, Submission | None]
) -> tuple[dict[str, FileEntry], dict[str, FileEntry]]:
    """The files that matter, as the target has them now and had them then."""
    rows = [*(row for row in wanted.values() if row), *(goal.live[u] for u in wanted if u in goal.live)]
    paths = {entry.path for row in rows for entry in row.entries}
    return ctx.store.entries(goal.point.head, paths), ctx.store.entries(goal.point.commit, paths)


def _kept(head: Mapping[str, FileEntry], choice: Choice) -> dict[str, FileEntry]:
    return {path: head[path] for path in choice.keep if path in head}


def _row(
    ctx: Context,
    goal: ResolvedTarget,
    unit: Unit,
    version: Submission | None,
    files: Mapping[str, FileEntry],
    actor: Actor,
) -> PlannedUnit:
    """One unit with the version to make; ``files`` says what counts in place of its own content."""
    now = goal.live.get(unit.id)
    path = version.path if version else now.path if now else unit.path
    change = ChangeKind.DELETED
    if version is not None:
        change = ChangeKind.NEW if now is None else ChangeKind.MODIFIED
        if now is not None and now.path != path:
            change = ChangeKind.RENAMED
    source = version or now
    draft = versions.draft(
        ctx,
        unit,
        _content(version, files),
        by=actor,
        path=path,
        change=change,
        dag_ids=source.dag_ids if source else (),
        comment=goal.title,
        listed=False,
        copy_of_id=version.id if version else None,
    )
    return PlannedUnit(unit, now, version, draft)


def _content(version: Submission | None, files: Mapping[str, FileEntry]) -> VersionContent:
    """That of an earlier version, with the files that count in place of its own."""
    if version is None:
        return NOTHING
    closure = []
    for item in version.closure:
        entry = files.get(item["path"])
        own = {"mode": entry.mode, "blob": entry.blob, "size": entry.size} if entry else {}
        closure.append({**item, **own})
    return VersionContent(closure, version.external, version.warnings, version.is_complete)


def _is_there(row: PlannedUnit, head: Mapping[str, FileEntry]) -> bool:
    """Whether the target holds the unit like that already."""
    if row.now is None or row.wanted is None:
        return row.now is row.wanted
    entries = row.draft.entries
    same_paths = {e.path for e in entries} == {e.path for e in row.now.entries}
    return same_paths and row.now.path == row.draft.path and all(head.get(e.path) == e for e in entries)


def _extra(ctx: Context, goal: ResolvedTarget, wanted: Collection[int]) -> Iterable[FileEntry]:
    """
    Shared files that undone releases changed and that nobody needs as they are now.

    Every unit outside of the rollback that has such a file was released with its old content.
    """
    paths = {change.path for release in goal.undone for change in release.changes}
    then = ctx.store.entries(goal.point.commit, paths)
    users = {unit: row for unit, row in goal.live.items() if unit not in wanted}
    needed: dict[str, list[FileEntry]] = {}
    for row in users.values():
        for entry in row.entries:
            if entry.path in then:
                needed.setdefault(entry.path, []).append(entry)
    return [then[path] for path, entries in sorted(needed.items()) if all(e == then[path] for e in entries)]


def _shared(
    ctx: Context,
    goal: ResolvedTarget,
    wanted: Collection[int],
    changes: Sequence[TreeChange],
    choice: Choice,
) -> tuple[AffectedFile, ...]:
    """Changed files that units outside of the rollback were released with in another form than they get."""
    new = {change.path: change.entry for change in changes}
    found: dict[str, list[Submission]] = {path: [] for path in choice.keep}
    others = [row for unit, row in goal.live.items() if unit not in wanted]
    for row in others:
        for entry in row.entries:
            if entry.path in choice.keep or new.get(entry.path, entry) != entry:
                found.setdefault(entry.path, []).append(row)
    existed = history.versions_at(ctx, {row.unit_id for rows in found.values() for row in rows}, goal.point)
    return tuple(
        AffectedFile(
            path,
            tuple(
                SharedUser(row.path, tuple(row.dag_ids), row.version, row.unit_id in existed)
                for row in sorted(rows, key=lambda row: row.path)
            ),
            is_settled=path in choice.keep,
        )
        for path, rows in sorted(found.items())
    )


def _busy(ctx: Context, wanted: Collection[int]) -> tuple[Busy, ...]:
    held = queries.with_state(ctx.session, wanted, SubmissionState.IN_RELEASE)
    return tuple(Busy(row.path, row.version, row.release_id, not row.listed) for row in held)


def _refuse_clash(goal: ResolvedTarget, made: RollbackPlan) -> None:
    """A DAG id that another unit has taken over since cannot come back."""
    own = {row.unit.id for row in made.rows}
    taken = {dag_id: row for unit, row in goal.live.items() if unit not in own for dag_id in row.dag_ids}
    for row in made.rows:
        for dag_id in row.draft.dag_ids:
            if row.wanted is not None and dag_id in taken:
                raise ConflictError(
                    "%(path)r would bring back %(dag_id)r, which %(other)r defines now. Retire or roll "
                    "back that one as well.",
                    path=row.draft.path,
                    dag_id=dag_id,
                    other=taken[dag_id].path,
                )
