"""Which line of a file a thread is about, and where it is in another text of the file. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

CONTEXT = 3
"""Lines kept on each side of the one that a thread is about."""
LONGEST_LINE = 300
"""Characters of a line that are kept; what is longer is told by these."""
_MOST_LINES = 5000
"""Changed stretches that are longer are not compared line by line; the context of the line is looked for."""


class Side(str, Enum):
    """Which text of a changed file a line is in."""

    OLD = "old"
    """As the target had it when the release was checked."""
    NEW = "new"
    """As the release brings it."""


@dataclass(frozen=True)
class LinePoint:
    """A line of a changed file that somebody points at: ``line`` counts from 1."""

    path: str
    side: Side
    line: int


@dataclass(frozen=True)
class Anchor:
    """
    A line with what is around it, as it was when somebody pointed at it.

    :param line: its number, from 1
    :param text: the line, cut at 300 characters
    :param before: up to three lines above it, cut likewise; ``after``: up to three below
    """

    line: int
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def lines_of(text: str) -> list[str]:
    """The lines of a text as people count them, without their ends."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def anchor_at(lines: Sequence[str], line: int) -> Anchor | None:
    """The anchor on line number ``line``, from 1; ``None`` where there is no such line."""
    if not 1 <= line <= len(lines):
        return None
    index = line - 1
    return Anchor(
        line,
        _cut(lines[index]),
        tuple(map(_cut, lines[max(index - CONTEXT, 0) : index])),
        tuple(map(_cut, lines[index + 1 : index + 1 + CONTEXT])),
    )


class LineMap:
    """
    Where the lines of one text of a file are in another.

    :param then: the lines that people pointed at; ``None`` when that text is not there any more
    :param now: the lines that there are
    """

    def __init__(self, then: Sequence[str] | None, now: Sequence[str]) -> None:
        self._now = now
        self._places = {} if then is None else _places(then, now)
        self._cut = [_cut(line) for line in now]

    def follow(self, anchor: Anchor) -> int | None:
        """Number of the anchor's line in ``now``, from 1; ``None`` when it is not there any more."""
        place = self._places.get(anchor.line - 1)
        if place is not None and self._cut[place] == anchor.text:
            return place + 1
        return self._by_context(anchor)

    def _by_context(self, anchor: Anchor) -> int | None:
        """The only place that has the line with everything around it: a block that was moved as a whole."""
        wanted = [*anchor.before, anchor.text, *anchor.after]
        offset, size = len(anchor.before), len(wanted)
        found = [
            index
            for index, line in enumerate(self._cut)
            if line == anchor.text
            and index >= offset
            and self._cut[index - offset : index - offset + size] == wanted
        ]
        return found[0] + 1 if len(found) == 1 else None


def _cut(line: str) -> str:
    # Far down in a text, or in the encoding that it names, there may be what PostgreSQL cannot keep.
    return line[:LONGEST_LINE].replace("\x00", "\ufffd")


def _places(then: Sequence[str], now: Sequence[str]) -> dict[int, int]:
    """Indices of ``then`` with those of the same lines in ``now``; what changed is left out."""
    shorter = min(len(then), len(now))
    start = next((n for n in range(shorter) if then[n] != now[n]), shorter)
    end = next((n for n in range(shorter - start) if then[-1 - n] != now[-1 - n]), shorter - start)
    places = {n: n for n in range(start)}
    places.update({len(then) - 1 - n: len(now) - 1 - n for n in range(end)})
    old, new = then[start : len(then) - end], now[start : len(now) - end]
    if max(len(old), len(new)) > _MOST_LINES:
        return places
    for i, j, size in SequenceMatcher(None, old, new).get_matching_blocks():
        places.update({start + i + n: start + j + n for n in range(size)})
    return places
