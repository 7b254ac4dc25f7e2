"""What a release does to the target tree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import footprints, target_index


def build_changes(
    ctx: Context,
    chosen: Iterable[Submission],
    base_commit: str | None,
    extra: Iterable[TreeChange] = (),
) -> tuple[TreeChange, ...]:
    """
    The paths that differ between the target at ``base_commit`` and the target with ``chosen`` in it.

    A file that a unit no longer needs disappears unless another released unit needs it.

    :param extra: changes that come along though none of ``chosen`` brings them
    :raises InvalidRequestError: two submissions bring different content for one path, or nothing would change
    """
    chosen, extra = list(chosen), list(extra)
    entries = {**{change.path: change.entry for change in extra if change.entry}, **_merged(chosen)}
    replaced = {submission.unit_id for submission in chosen}
    live = submissions.live_of(ctx.session, replaced)
    dropped = {file["path"] for row in live.values() for file in row.closure}
    dropped = (dropped | {change.path for change in extra}) - entries.keys()
    dropped -= _used_elsewhere(ctx, dropped, but_for=replaced)
    target = ctx.store.entries(base_commit, {*entries, *dropped})
    changes = [TreeChange(path, entry) for path, entry in entries.items() if target.get(path) != entry]
    changes += [TreeChange(path, None) for path in dropped if path in target]
    if not changes:
        names = [submission.path for submission in chosen]
        raise InvalidRequestError(
            "Releasing %(names)s would change nothing in the target; it is there already.", names=names
        )
    return tuple(sorted(changes, key=lambda change: change.path))


def _used_elsewhere(ctx: Context, paths: Collection[str], *, but_for: Collection[int]) -> set[str]:
    """Those of the paths that the target holds for other units than these."""
    users = target_index.users_of(ctx, paths)
    return {path for row, used in users.items() if row.unit_id not in but_for for path in used}


def _merged(chosen: list[Submission]) -> dict[str, FileEntry]:
    entries: dict[str, FileEntry] = {}
    owner: dict[str, Submission] = {}
    for submission in chosen:
        for entry in submission.entries:
            other = entries.setdefault(entry.path, entry)
            if other != entry:
                first = owner[entry.path]
                raise InvalidRequestError(
                    Message(
                        "%(path)r v%(version)s and %(other)r v%(other_version)s were submitted with "
                        "different content of the shared file %(shared)r. Submit the older one again.",
                        path=first.path,
                        version=first.version,
                        other=submission.path,
                        other_version=submission.version,
                        shared=entry.path,
                    ),
                    path=entry.path,
                )
            owner.setdefault(entry.path, submission)
    return entries


def refuse_clashes(ctx: Context, chosen: Iterable[Submission]) -> None:
    """
    See that no DAG would be in two files of the target: Airflow lets the one that is parsed last win.

    :raises InvalidRequestError: it would
    """
    chosen = list(chosen)
    replaced = {submission.unit_id for submission in chosen}
    coming = {dag_id for row in chosen if row.change is not ChangeKind.DELETED for dag_id in row.dag_ids}
    owner: dict[str, Submission] = {}
    others = [row for row in target_index.makers_of(ctx, coming) if row.unit_id not in replaced]
    for row in (*others, *chosen):
        for dag_id in row.dag_ids if row.change is not ChangeKind.DELETED else ():
            other = owner.setdefault(dag_id, row)
            if other is not row:
                raise InvalidRequestError(
                    Message(
                        "Dag %(dag_id)r would be in two files of %(environment)r: %(path)r v%(version)s and "
                        "%(other)r v%(other_version)s. Release the change or removal that takes it out of "
                        "one of them together with this.",
                        dag_id=dag_id,
                        environment=ctx.settings.environment,
                        path=other.path,
                        version=other.version,
                        other=row.path,
                        other_version=row.version,
                    ),
                    path=row.path,
                )


def touched_paths(release: Release) -> set[str]:
    """Every path that the release changes or relies on."""
    closure = {entry.path for item in release.items for entry in item.submission.entries}
    return closure | {change.path for change in release.changes}


def still_needed(ctx: Context, release: Release) -> set[str]:
    """Paths that the release would delete although a unit that was released since the check needs them."""
    own = {item.submission.unit_id for item in release.items}
    deleted = {change.path for change in release.changes if change.is_deletion}
    return _used_elsewhere(ctx, deleted, but_for=own)


def changed_under(ctx: Context, release: Release, head: str | None) -> list[str]:
    """Paths that the release changes or relies on, and that changed in the target since its check."""
    if head == release.base_commit:
        return []
    if head is None:
        changed = set(ctx.store.files(release.base_commit))
    else:
        changed = {change.path for change in ctx.store.changes(release.base_commit, head)}
    return sorted(changed & touched_paths(release) | still_needed(ctx, release))


def delta_of(ctx: Context, commit: str | None, changes: Sequence[TreeChange]) -> TreeDelta:
    """What ``changes`` do to the tree of a commit."""
    return TreeDelta.of(ctx.store.around(commit, (change.path for change in changes)), changes)


def dag_files_to_parse(ctx: Context, release: Release) -> list[str]:
    """
    DAG files of the candidate tree that the change can affect, sorted.

    Those of the release itself, and those of the target it was made against that depend on something of the
    change: by what was seen when they ran, or else by their text. What was released since is not in that
    tree.
    """
    own = {item.submission.unit_id: item for item in release.items}
    files = {item.path for item in own.values() if item.change is not ChangeKind.DELETED}
    delta = delta_of(ctx, release.base_commit, release.changes)
    affected = footprints.affected(ctx, delta, but_for=own.keys())
    return sorted(files | ctx.store.entries(release.base_commit, affected).keys())
