"""Line diffs of two versions of a file, for people to read; near-linear in the size of the files."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from airflow_release_plugin.analysis.text_decoding import decode_text

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 50_000
_SNIFF = 8000
"""A zero byte among the first 8,000 makes a file binary; git decides alike."""
_TABLE_CELLS = 40_000
"""Stretches without a unique common line are compared pair by pair up to this size, else replaced whole."""

_Match = tuple[int, int, int]
"""Start in the old lines, start in the new lines, number of equal lines."""


class LineKind(str, Enum):
    """What happened to a line."""

    CONTEXT = "context"
    """It is in both versions."""
    ADD = "add"
    """It is in the new version only."""
    DELETE = "del"
    """It is in the old version only."""


@dataclass(frozen=True)
class DiffLine:
    """
    One line of a hunk.

    :param old_no: 1-based line number in the old version, ``None`` for an added line
    :param new_no: 1-based line number in the new version, ``None`` for a deleted line
    :param text: without the final line feed; a carriage return before it is kept
    :param no_newline: the last line of its file, without a line feed
    """

    kind: LineKind
    old_no: int | None
    new_no: int | None
    text: str
    no_newline: bool = False


@dataclass(frozen=True)
class Hunk:
    """Changed lines with their context; starts are 1-based, 0 where the side is empty."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class FileDiff:
    """
    How a file differs.

    :param added: lines that only the new version has; 0 when ``binary`` or ``too_large``
    :param removed: lines that only the old version has; 0 when ``binary`` or ``too_large``
    :param binary: a version holds zero bytes; there are no hunks
    :param too_large: a version has more than 2 MiB or 50,000 lines; there are no hunks
    :param encoding: how the bytes of the new version were read, of the old one if there is no new one
    :param total: lines of both versions together, equal ones counted once: those of a diff with all context
    """

    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    changed: bool = False
    binary: bool = False
    too_large: bool = False
    old_size: int | None = None
    new_size: int | None = None
    encoding: str = "utf-8"
    total: int = 0


def diff_texts(
    old: bytes | None, new: bytes | None, *, context: int = 3, ignore_whitespace: bool = False
) -> FileDiff:
    """
    Return the line diff of two versions; ``None`` stands for a file that does not exist.

    :param context: equal lines shown around a change
    :param ignore_whitespace: lines that differ in blanks only are equal; the new one is shown
    """
    facts = FileDiff(
        changed=old != new,
        old_size=None if old is None else len(old),
        new_size=None if new is None else len(new),
    )
    before, after = old or b"", new or b""
    if b"\0" in before[:_SNIFF] or b"\0" in after[:_SNIFF]:
        return replace(facts, binary=True)
    if max(len(before), len(after)) > MAX_BYTES or max(before.count(b"\n"), after.count(b"\n")) > MAX_LINES:
        return replace(facts, too_large=True)
    (old_text, old_encoding), (new_text, new_encoding) = decode_text(before), decode_text(after)
    old_lines, new_lines = _lines(old_text), _lines(new_text)
    if ignore_whitespace:
        matches = _matches(*(["".join(line.split()) for line in side] for side in (old_lines, new_lines)))
    else:
        matches = _matches(old_lines, new_lines)
    equal = sum(size for _, _, size in matches)
    return replace(
        facts,
        hunks=tuple(_hunks(old_lines, new_lines, matches, max(context, 0))),
        added=len(new_lines) - equal,
        removed=len(old_lines) - equal,
        encoding=old_encoding if new is None else new_encoding,
        total=len(old_lines) + len(new_lines) - equal,
    )


def _lines(text: str) -> list[str]:
    """Split at line feeds only, and keep them: a last line without one differs from one with it."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _matches(old: Sequence[str], new: Sequence[str]) -> list[_Match]:
    """Return the equal stretches in order: patience diff, worked off with a stack."""
    found: list[_Match] = []
    pending = [(0, len(old), 0, len(new))]
    while pending:
        old_lo, old_hi, new_lo, new_hi = pending.pop()
        start = _common(old, new, range(min(old_hi - old_lo, new_hi - new_lo)), old_lo, new_lo, 1)
        if start:
            found.append((old_lo, new_lo, start))
            old_lo, new_lo = old_lo + start, new_lo + start
        end = _common(old, new, range(min(old_hi - old_lo, new_hi - new_lo)), old_hi - 1, new_hi - 1, -1)
        if end:
            old_hi, new_hi = old_hi - end, new_hi - end
            found.append((old_hi, new_hi, end))
        if old_lo == old_hi or new_lo == new_hi:
            continue
        anchors = _anchors(old, new, old_lo, old_hi, new_lo, new_hi)
        if not anchors and (old_hi - old_lo) * (new_hi - new_lo) <= _TABLE_CELLS:
            found.extend((i, j, 1) for i, j in _table(old[old_lo:old_hi], new[new_lo:new_hi], old_lo, new_lo))
            continue
        for i, j in anchors:
            pending.append((old_lo, i, new_lo, j))
            found.append((i, j, 1))
            old_lo, new_lo = i + 1, j + 1
        if anchors:
            pending.append((old_lo, old_hi, new_lo, new_hi))
    return _merged(sorted(found))


def _common(old: Sequence[str], new: Sequence[str], steps: range, i: int, j: int, sign: int) -> int:
    for step in steps:
        if old[i + sign * step] != new[j + sign * step]:
            return step
    return len(steps)


def _anchors(
    old: Sequence[str], new: Sequence[str], old_lo: int, old_hi: int, new_lo: int, new_hi: int
) -> list[tuple[int, int]]:
    """Return the longest increasing run of lines that occur once on each side."""
    old_counts = Counter(old[old_lo:old_hi])
    new_counts = Counter(new[new_lo:new_hi])
    places = {new[j]: j for j in range(new_lo, new_hi) if new_counts[new[j]] == 1}
    pairs = [
        (i, places[old[i]]) for i in range(old_lo, old_hi) if old_counts[old[i]] == 1 and old[i] in places
    ]
    tails: list[int] = []
    chain: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        at = bisect_left(tails, j)
        before.append(chain[at - 1] if at else -1)
        tails[at : at + 1] = [j]
        chain[at : at + 1] = [index]
    run: list[tuple[int, int]] = []
    index = chain[-1] if chain else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


def _table(old: Sequence[str], new: Sequence[str], i0: int, j0: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a longest common subsequence, by dynamic programming."""
    lengths = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(new) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if old[i] == new[j] else max(below[j], row[j + 1])
    i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            yield i0 + i, j0 + j
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1


def _merged(matches: Sequence[_Match]) -> list[_Match]:
    merged: list[_Match] = []
    for i, j, size in matches:
        if merged and merged[-1][0] + merged[-1][2] == i and merged[-1][1] + merged[-1][2] == j:
            merged[-1] = (merged[-1][0], merged[-1][1], merged[-1][2] + size)
        else:
            merged.append((i, j, size))
    return merged


def _hunks(old: Sequence[str], new: Sequence[str], matches: Sequence[_Match], context: int) -> Iterator[Hunk]:
    """Yield hunks; changes that are at most twice the context apart share one."""
    lines: list[DiffLine] = []
    i = j = 0
    for match_i, match_j, size in [*matches, (len(old), len(new), 0)]:
        lines.extend(_line(LineKind.DELETE, old[n], n, None) for n in range(i, match_i))
        lines.extend(_line(LineKind.ADD, new[n], None, n) for n in range(j, match_j))
        i, j = match_i + size, match_j + size
        is_last = i == len(old) and j == len(new)
        if lines and (size > 2 * context or is_last):
            tail = min(context, size)
            lines.extend(_same(new, match_i, match_j, tail))
            yield _hunk(lines)
            lines = []
        elif lines:
            lines.extend(_same(new, match_i, match_j, size))
        if not lines and not is_last:
            head = min(context, size)
            lines = [*_same(new, i - head, j - head, head)]


def _same(new: Sequence[str], i: int, j: int, size: int) -> Iterator[DiffLine]:
    return (_line(LineKind.CONTEXT, new[j + n], i + n, j + n) for n in range(size))


def _line(kind: LineKind, text: str, old_index: int | None, new_index: int | None) -> DiffLine:
    return DiffLine(
        kind,
        None if old_index is None else old_index + 1,
        None if new_index is None else new_index + 1,
        text.removesuffix("\n"),
        not text.endswith("\n"),
    )


def _hunk(lines: Sequence[DiffLine]) -> Hunk:
    old = [line.old_no for line in lines if line.old_no is not None]
    new = [line.new_no for line in lines if line.new_no is not None]
    return Hunk(old[0] if old else 0, len(old), new[0] if new else 0, len(new), tuple(lines))
