"""How many lines changes of files add and remove; counted once for each pair of contents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from airflow_release_plugin.analysis.stat_memo import bound
from airflow_release_plugin.analysis.text_diff import diff_texts
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import FilePair
from airflow_release_plugin.services.versions.risk import ChangedLines

_AT_ONCE = 200
"""Pairs whose bytes are in memory at a time."""
_KNOWN: dict[tuple[str, str], ChangedLines] = {}
"""By the blobs of both sides, which name their bytes for good: a list that is opened again counts nothing."""
NONE = ChangedLines(0, 0)


def count_lines(
    ctx: Context, pairs: Iterable[FilePair], *, read_new: Callable[[FileEntry], bytes] | None = None
) -> dict[tuple[str, str], ChangedLines]:
    """
    By the blobs of both sides, empty where a side lacks the file. Binary and huge files have no lines.

    :param read_new: where new bytes come from, if not from the store; what it cannot read is left out
    """
    wanted = {blobs_of(pair): pair for pair in pairs}
    counted = {key: _KNOWN[key] for key in wanted if key in _KNOWN}
    missing = [pair for key, pair in wanted.items() if key not in counted]
    for start in range(0, len(missing), _AT_ONCE):
        counted.update(_count(ctx, missing[start : start + _AT_ONCE], read_new))
    return counted


def blobs_of(pair: FilePair) -> tuple[str, str]:
    """What names the change of the bytes: the blobs of both sides."""
    return (pair.old.blob if pair.old else "", pair.new.blob if pair.new else "")


def _count(
    ctx: Context, pairs: Sequence[FilePair], read_new: Callable[[FileEntry], bytes] | None
) -> dict[tuple[str, str], ChangedLines]:
    stored = {pair.old.blob for pair in pairs if pair.old}
    if read_new is None:
        stored |= {pair.new.blob for pair in pairs if pair.new}
    blobs = dict(ctx.store.read_all(stored))
    counted = {}
    for pair in pairs:
        try:
            new = (read_new(pair.new) if read_new else blobs[pair.new.blob]) if pair.new else None
        except UnitError:
            continue
        diff = diff_texts(blobs[pair.old.blob] if pair.old else None, new)
        bound(_KNOWN)
        counted[blobs_of(pair)] = _KNOWN[blobs_of(pair)] = ChangedLines(diff.added, diff.removed)
    return counted
