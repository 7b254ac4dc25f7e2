"""Phrases that several messages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce

from airflow_release_plugin.messages import Message, shortened, together

BROKEN_INSIDE = Message("Something broke inside. The API server's log says what.")
"""What people are told of an error that nobody foresaw."""
_WHOLE_LINE = re.compile(r"%\((\w+)\)s")
_TRACEBACK = "Traceback (most recent call last):"
_MOST_OF_A_REASON = 200
"""Characters: some exceptions tell of a hundred fields."""


def first_few(names: Sequence[str], most: int = 1) -> str:
    """Names for a sentence, of which ``most`` are shown and the others counted: ``a, b and 3 more``."""
    left = len(names) - most
    if left > 0:
        return Message("%(shown)s and %(left)s more", shown=names[:most], left=left)
    return Message("%(shown)s", shown=names)


def clauses(parts: Sequence[object], most: int) -> str:
    """Clauses after one another, of which ``most`` are shown: ``a; b; and 3 more``."""
    shown = together(parts[:most], "; ")
    left = len(parts) - most
    return shown if left <= 0 else Message("%(shown)s; and %(left)s more", shown=shown, left=left)


def linked(parts: Iterable[str]) -> str:
    """``a and b and c``; there is at least one."""
    return reduce(
        lambda first, second: Message("%(first)s and %(second)s", first=first, second=second), parts
    )


def either(parts: Iterable[str]) -> str:
    """``a or b or c``; there is at least one."""
    return reduce(lambda first, second: Message("%(first)s or %(second)s", first=first, second=second), parts)


def as_sentence(text: str) -> str:
    """A text with a stop at its end; a sentence stays what it is."""
    return text if text.endswith(".") else Message("%(text)s.", text=text)


def lines_of(text: str) -> list[str]:
    """The lines of a text that say something; those that were put together are what they were before that."""
    if isinstance(text, Message) and text.many is None:
        names = [_WHOLE_LINE.fullmatch(line) for line in text.template.split("\n")]
        parts = [text.values.get(name[1]) for name in names if name]
        if len(parts) == len(names):
            return [line for part in parts for line in lines_of(part if isinstance(part, str) else str(part))]
    if "\n" not in text:
        return [text] if text.strip() else []
    return [line.strip() for line in text.splitlines() if line.strip()]


def reason_of(error: str) -> str:
    """
    Why something failed, in one line: our own last one, else what was raised, else the last line.

    Of a traceback that is what stands below its last frame, which an exception may say in several lines:
    ``ParserError: while parsing a block mapping``, a place, ``expected <block end>``. Empty for no text.
    """
    last = next(reversed(lines_of(error)), "")
    if isinstance(last, Message):
        return last
    _, is_traceback, below = error.rpartition(_TRACEBACK)
    said = [line.strip() for line in below.splitlines() if line.strip() and not line[0].isspace()]
    if not said:
        return last
    return shortened(" ".join(said) if is_traceback else said[-1], _MOST_OF_A_REASON)
