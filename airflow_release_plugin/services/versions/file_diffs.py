"""Text diffs of files that are in the store, or still in the source."""

from __future__ import annotations

import hashlib
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


@dataclass(frozen=True)
class FilePair:
    """One path that differs; ``None`` where a side lacks it."""

    path: str
    old: FileEntry | None
    new: FileEntry | None

    @property
    def change(self) -> ChangeKind:
        """What becomes of the file."""
        if self.new is None:
            return ChangeKind.DELETED
        return ChangeKind.MODIFIED if self.old is not None else ChangeKind.NEW

    @property
    def content(self) -> str:
        """Names exactly this change of exactly this path, 64 hex digits: another one when a side changes."""
        sides = [f"{entry.mode:o} {entry.blob}" if entry else "" for entry in (self.old, self.new)]
        return hashlib.sha256("\0".join([self.path, *sides]).encode()).hexdigest()


def diff_changes(
    ctx: Context, base: str | None, changes: Sequence[TreeChange], options: DiffOptions = PLAIN
) -> list[ChangedFile]:
    """What changes do to the tree of ``base``, by path."""
    return diff_pairs(ctx, changed_pairs(ctx, base, changes), options)


def changed_pairs(ctx: Context, base: str | None, changes: Sequence[TreeChange]) -> list[FilePair]:
    """The files that changes touch in the tree of ``base``, by path; no bytes are read."""
    before = ctx.store.entries(base, [change.path for change in changes])
    return differing(before, {change.path: change.entry for change in changes if change.entry})


def differing(old: Mapping[str, FileEntry], new: Mapping[str, FileEntry]) -> list[FilePair]:
    """Every path that differs between two sets of files, sorted."""
    return [
        FilePair(path, old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    ]


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
    return diff_pairs(ctx, differing(old, new), options, read_new=read_new)


def diff_pairs(
    ctx: Context,
    pairs: Sequence[FilePair],
    options: DiffOptions = PLAIN,
    *,
    read_new: Callable[[FileEntry], bytes] | None = None,
) -> list[ChangedFile]:
    """The same of files that are known to differ, in their order."""
    wanted = [pair for pair in pairs if options.only in {"", pair.path}]
    stored = [pair.old for pair in wanted] + [pair.new for pair in wanted if not read_new]
    blobs = dict(ctx.store.read_all({entry.blob for entry in stored if entry}))
    return [
        _changed(
            pair,
            blobs[pair.old.blob] if pair.old else None,
            (read_new(pair.new) if read_new else blobs[pair.new.blob]) if pair.new else None,
            options,
        )
        for pair in wanted
    ]


def _changed(pair: FilePair, old: bytes | None, new: bytes | None, options: DiffOptions) -> ChangedFile:
    diff = diff_texts(
        old, new, context=2 * MAX_LINES if options.only else 3, ignore_whitespace=options.ignore_whitespace
    )
    return ChangedFile(pair.path, pair.change, diff, old, new)
