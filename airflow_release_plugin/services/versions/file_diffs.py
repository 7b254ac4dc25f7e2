"""Text diffs of files that are in the store, or still in the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.text_diff import MAX_LINES, FileDiff, diff_texts
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ChangedFile:
    """
    One changed file with its text diff.

    :param old: bytes before, ``None`` for a new file
    :param new: bytes after, ``None`` for a deleted file
    """

    path: str
    change: ChangeKind
    diff: FileDiff
    old: bytes | None = None
    new: bytes | None = None


@dataclass(frozen=True)
class DiffOptions:
    """
    How people want to see it.

    :param ignore_whitespace: lines that differ in blanks only are equal
    :param only: the only path that is wanted, with all of its lines
    """

    ignore_whitespace: bool = False
    only: str = ""


PLAIN = DiffOptions()


def diff_changes(
    ctx: Context, base: str | None, changes: Sequence[TreeChange], options: DiffOptions = PLAIN
) -> list[ChangedFile]:
    """What changes do to the tree of ``base``, by path."""
    before = ctx.store.entries(base, [change.path for change in changes])
    after = {change.path: change.entry for change in changes if change.entry}
    return diff_entries(ctx, before, after, options)


def diff_entries(
    ctx: Context,
    old: Mapping[str, FileEntry],
    new: Mapping[str, FileEntry],
    options: DiffOptions = PLAIN,
    *,
    read_new: Callable[[FileEntry], bytes] | None = None,
) -> list[ChangedFile]:
    """
    Every path that differs between two sets of files, sorted.

    :param read_new: where the new bytes come from, if not from the store
    """
    pairs = [
        (path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path) and options.only in {"", path}
    ]
    stored = [before for _, before, _ in pairs] + [after for _, _, after in pairs if not read_new]
    blobs = dict(ctx.store.read_all({entry.blob for entry in stored if entry}))
    return [
        _changed(
            path,
            blobs[before.blob] if before else None,
            (read_new(after) if read_new else blobs[after.blob]) if after else None,
            options,
        )
        for path, before, after in pairs
    ]


def _changed(path: str, old: bytes | None, new: bytes | None, options: DiffOptions) -> ChangedFile:
    kind = ChangeKind.DELETED if new is None else ChangeKind.MODIFIED if old is not None else ChangeKind.NEW
    diff = diff_texts(
        old, new, context=2 * MAX_LINES if options.only else 3, ignore_whitespace=options.ignore_whitespace
    )
    return ChangedFile(path, kind, diff, old, new)
