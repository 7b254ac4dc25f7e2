"""What expressions may stand for: strings with marks for what is not known, and containers."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

UNKNOWN = "\x01"
"""Part of a string that the text does not tell."""
ELSEWHERE = "\x03"
"""The same, but certainly no file of the source: a temporary file, the answer of a task or a service."""
LISTED = "\x04"
"""A name that comes out of a listed folder; the listing says which files these are."""
PLACE = "\x05"
"""A folder that the machine decides: the current one, Airflow's home, an environment variable."""
HOLES = UNKNOWN + ELSEWHERE + LISTED + PLACE

ROOT = "/\x02" * 8
"""Stands for the absolute path of the source; eight folders deep, so that paths above it can be told."""

_MARKS = frozenset(HOLES + "\x02")
MAX_ALTERNATIVES = 200
MAX_TEXT = 4096

Value: TypeAlias = Any
"""A ``str``, ``int``, ``None``, or one of the classes below."""
Values: TypeAlias = tuple[Value, ...]
"""What an expression may stand for: one value after another; never empty."""

ANYTHING: Values = (UNKNOWN,)
NOT_LOCAL: Values = (ELSEWHERE,)


@dataclass(frozen=True)
class Sequence:
    """A list, tuple or set whose items are known."""

    items: tuple[Values, ...]


@dataclass(frozen=True)
class Mapping:
    """A dictionary with literal keys; ``others`` are values under keys that are not known."""

    items: tuple[tuple[Value, Values], ...]
    others: Values = ()

    def has(self, key: Value) -> bool:
        """Whether there is such a key, or the key is not known."""
        return not is_known(key) or any(name == key for name, _ in self.items)

    def get(self, key: Value) -> Values:
        """Values under a key; all of them if the key is not known."""
        if isinstance(key, str) and any(char in HOLES for char in key):
            return merged([*(values for _, values in self.items), self.others])
        return merged([*(values for name, values in self.items if name == key), self.others])


@dataclass(frozen=True)
class Module:
    """A module of the source or an installed one, by its dotted name."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function of the source: its :class:`CodeScope`, and the object that it is bound to."""

    scope: Any
    receiver: Value = None


@dataclass(frozen=True)
class Class:
    """A class of the source."""

    scope: Any


@dataclass(frozen=True)
class Instance:
    """An object of such a class."""

    scope: Any


@dataclass(frozen=True)
class Listing:
    """
    The entries of a folder.

    :param folder: path of the folder
    :param form: ``path`` (entries are paths), ``name`` (names) or ``walk`` (triples)
    """

    folder: str
    form: str


def merged(groups: Iterable[Values]) -> Values:
    """The alternatives of all groups, each once, in order; too many of them are unknown."""
    found: dict[Any, None] = {}
    for group in groups:
        for value in group:
            found[value] = None
        if len(found) > MAX_ALTERNATIVES:
            return ANYTHING
    return tuple(found) or ANYTHING


def text_of(value: Value) -> str:
    """How a value looks in a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return UNKNOWN


def joined_paths(parts: Iterable[str]) -> str:
    """``os.path.join``: an absolute part starts anew. A part that is not known counts as relative."""
    result = ""
    for part in parts:
        absolute = part.startswith("/")
        result = part if absolute or not result else posixpath.join(result, part)
    return result[:MAX_TEXT]


def is_known(value: Value) -> bool:
    """Whether a value is a string without a hole."""
    return isinstance(value, str) and not any(char in HOLES for char in value)


def constant(node: ast.Constant) -> Values:
    """The value of a literal."""
    value = node.value
    if isinstance(value, str):
        usable = len(value) <= MAX_TEXT and _MARKS.isdisjoint(value)
        return (value,) if usable else NOT_LOCAL
    return (value,) if value is None or isinstance(value, int) else ANYTHING
