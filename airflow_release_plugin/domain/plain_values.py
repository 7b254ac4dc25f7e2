"""Values of JSON and YAML, taken for what they say: ``"ann"`` is no list of names, ``"no"`` no flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

MAX_TEXT = 1000
_MOST = 1_000_000_000


def read_fields(raw: Any, shape: type[Any]) -> dict[str, Any]:
    """
    The values for the fields of a dataclass, by name; fields of a type without a reader stay as they are.

    :raises TypeError: ``raw`` is no mapping, or a value is of another type
    :raises ValueError: an unknown key, or a value that cannot be
    """
    if not isinstance(raw, Mapping):
        raise TypeError(f"{shape.__name__} must be a mapping, not {type(raw).__name__}")
    known = {item.name: str(item.type) for item in fields(shape)}
    unknown = sorted(str(key) for key in raw if key not in known)
    if unknown:
        raise ValueError(f"unknown key {', '.join(map(repr, unknown))} in {shape.__name__}")
    # An empty value of YAML is the same as leaving the key out.
    given = {key: value for key, value in raw.items() if value is not None}
    return {key: _READERS.get(known[key], _as_is)(value, key) for key, value in given.items()}


def _as_is(value: Any, key: str) -> Any:
    del key
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} must be text, not {type(value).__name__}")
    if len(value) > MAX_TEXT or "\x00" in value:
        raise ValueError(f"{key} must be text of at most {MAX_TEXT} characters")
    return value


def _flag(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be true or false, not {value!r}")
    return value


def _whole(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key} must be a whole number, not {value!r}")
    if not 0 <= value <= _MOST:
        raise ValueError(f"{key} must be 0 to {_MOST:,}")
    return value


def _number(value: Any, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{key} must be a number, not {value!r}")
    if not -_MOST <= value <= _MOST:  # what is no number at all is not between either
        raise ValueError(f"{key} must be a number up to {_MOST:,}")
    return value


def _names(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{key} must be a list, not {type(value).__name__}")
    names = tuple(_text(name, key) for name in value)
    wrong = [name for name in names if not name or name != name.strip()]
    if wrong:
        raise ValueError(f"{key} holds {wrong[0]!r}; a name is not empty and has no spaces around it")
    return names


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "str": _text,
    "bool": _flag,
    "int": _whole,
    "int | None": _whole,
    "float": _number,
    "float | None": _number,
    "tuple[str, ...]": _names,
}
"""By the type that a field is declared with."""
