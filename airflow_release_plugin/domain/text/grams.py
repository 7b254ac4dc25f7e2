"""Words of names in pieces of three letters, which an index of a database finds parts of words by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from airflow_release_plugin.domain.text.folding import folded
from airflow_release_plugin.domain.text.search import LONGEST

MOST_LETTERS = 250
"""Letters of a word of the index; a longer one is several that overlap."""


def words_of(names: Iterable[str]) -> set[str]:
    """The words of names, in small letters; what stands between them is white space alone."""
    return {piece for name in names for word in folded(name).split() for piece in _pieces(word)}


def _pieces(word: str) -> list[str]:
    """A word in pieces that overlap by as much as a search looks for, so that one of them has each part."""
    starts = range(0, max(len(word) - LONGEST, 1), MOST_LETTERS - LONGEST)
    return [word[at : at + MOST_LETTERS] for at in starts]


def word_key(word: str) -> int:
    """A number of 63 bits that a word has everywhere, so that nobody has to ask for it."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big") >> 1


def grams_of(word: str) -> set[str]:
    """
    Each three letters that follow each other, and a blank with the one and the two letters of each beginning.

    A part of a word begins behind what is no letter and no digit. A letter of a script without capitals, like
    Chinese, which sets no blanks, is a beginning of its own.
    """
    starts = {f" {word[at : at + size]}" for at in _beginnings(word) for size in (1, 2)}
    return _triples(word) | starts


def grams_of_part(part: str) -> set[str]:
    """Grams of every word that has ``part`` in it; one of less than three letters is a beginning."""
    return _triples(part) or {f" {part}"}


def grams_of_likeness(word: str) -> set[str]:
    """Grams that a word shares with those that it is a misspelling of."""
    return _triples(word) | {f" {word[:2]}"}


def _triples(word: str) -> set[str]:
    return {word[at : at + 3] for at in range(len(word) - 2)}


def _beginnings(word: str) -> list[int]:
    return [
        at
        for at, letter in enumerate(word)
        if at == 0 or not (letter.isalnum() and word[at - 1].isalnum()) or _has_no_case(letter)
    ]


def _has_no_case(letter: str) -> bool:
    return letter.isalpha() and letter.lower() == letter.upper()
