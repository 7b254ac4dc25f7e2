"""Fuzzy search on names: parts, initials and typing errors; the best match first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from airflow_release_plugin.domain.text.folding import folded

T = TypeVar("T")

MOST_WORDS = 20
"""Words of a text that an index is asked for."""
LONGEST = 60
"""Letters of a word that count; a longer one is surely pasted and matches by its beginning."""

Rank = int
"""0 equal, 1 at the start, 2 at the start of a word, 3 inside, 4 by initials, 5 and 6 with typing errors."""


def search(
    text: str, items: Iterable[T], names: Callable[[T], Sequence[str]], *, most: int | None = None
) -> list[tuple[Rank, T]]:
    """
    Return the items with a name for each word of ``text``, with ranks, in the given order.

    Typing errors are forgiven only where nothing matches without them, so that they do not blur what does.

    :param most: typing errors that may be forgiven; ``None`` for as many as the length of a word allows
    """
    words = [_Word(word) for word in _words(text)]
    known = [(item, [folded(name) for name in names(item)]) for item in items]
    if most is None:
        most = max((word.most_errors for word in words), default=0)
    for errors in range(1 + most):
        ranked = ((_rank(words, all_names, errors), item) for item, all_names in known)
        hits = [(rank, item) for rank, item in ranked if rank is not None]
        if hits:
            return hits
    return []


def closest(text: str, items: Iterable[T], names: Callable[[T], Sequence[str]]) -> list[T]:
    """The items with each word of ``text`` as a part or initials of a name, the best first."""
    words = [_Word(word) for word in _words(text)]
    ranked = ((_rank(words, [folded(name) for name in names(item)], 0), item) for item in items)
    hits = [(rank, item) for rank, item in ranked if rank is not None]
    return [item for _, item in sorted(hits, key=lambda hit: hit[0])]


def sought_words(text: str) -> list[str]:
    """
    The words that are looked for, each once, for an index that knows words.

    Of more than :data:`MOST_WORDS` the longest ones count; statements have limits.
    """
    words = list(dict.fromkeys(_words(text)))
    longest = sorted(words, key=len, reverse=True)[:MOST_WORDS]
    return [word for word in words if word in longest]


def most_errors(word: str) -> int:
    """Number of typing errors that a word may have; two of three letters wrong is another word."""
    return min(len(word) // 4, 2)


def within(word: str, names: Iterable[str], errors: int) -> list[bool]:
    """Whether a word is in each of these, but for so many typing errors; all folded."""
    sought = _Word(word)
    return [sought.rank(name, errors) is not None for name in names]


def _words(text: str) -> list[str]:
    return [word[:LONGEST] for word in folded(text).split()]


def _rank(words: Sequence[_Word], names: Sequence[str], errors: int) -> Rank | None:
    total = 0
    for word in words:
        ranks = [rank for name in names if (rank := word.rank(name, errors)) is not None]
        if not ranks:
            return None
        total += min(ranks)
    return total


class _Word:
    """One word that is looked for; bit i of a mask stands for its letter i."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._letters = set(text)
        self._last = 1 << len(text) - 1
        self._masks: dict[str, int] = {}
        for place, letter in enumerate(text):
            self._masks[letter] = self._masks.get(letter, 0) | 1 << place
        self.most_errors = most_errors(text)

    def rank(self, name: str, errors: int) -> Rank | None:
        at = name.find(self._text)
        if at >= 0:
            if len(self._text) == len(name):
                return 0
            return 1 if at == 0 else 2 if not name[at - 1].isalnum() else 3
        missing = len(self._letters.difference(name))
        if not missing and self._has_initials(name):
            return 4
        errors = min(errors, self.most_errors)
        return 4 + errors if errors >= max(missing, 1) and self._is_near(name, errors) else None

    def _has_initials(self, name: str) -> bool:
        """Whether it is made of beginnings of words of ``name``, in order: ``dsal`` of ``daily_sales``."""
        # Bit i: the first i + 1 letters were found, the last of them just now, or at any time.
        now = ever = 0
        before = " "
        for letter in name:
            starts = not before.isalnum()
            now = (now << 1 | (ever << 1 | 1 if starts else 0)) & self._masks.get(letter, 0)
            ever |= now
            before = letter
        return bool(ever & self._last)

    def _is_near(self, name: str, errors: int) -> bool:
        """Whether it is in ``name`` but for so many wrong, missing or extra letters (Wu-Manber)."""
        rows = [(1 << count) - 1 for count in range(errors + 1)]
        for letter in name:
            mask = self._masks.get(letter, 0)
            above = rows[0]
            rows[0] = (above << 1 | 1) & mask
            for count in range(1, errors + 1):
                old = rows[count]
                rows[count] = (old << 1 | 1) & mask | above | (above | rows[count - 1]) << 1 | 1
                above = old
            if rows[errors] & self._last:
                return True
        return False
