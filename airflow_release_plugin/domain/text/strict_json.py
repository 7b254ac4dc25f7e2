"""Values of JSON and YAML, taken for what they say: ``"ann"`` is no list of names, ``"no"`` no flag."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

MAX_TEXT = 1000
MAX_LONG_TEXT = 20_000
LongText: TypeAlias = str
"""What people write: comments."""
Texts: TypeAlias = "tuple[str, ...]"
"""Names of things that are not ours: whatever they are."""
_MOST = 1_000_000_000


def read_fields(raw: Any, shape: type[Any]) -> dict[str, Any]:
    """
    The values for the fields of a dataclass, by name; fields of a type without a reader stay as they are.

    :raises TypeError: ``raw`` is no mapping, or a value is of another type
    :raises ValueError: an unknown key, or a value that cannot be
    """
    if not isinstance(raw, Mapping):
        raise TypeError(f"{shape.__name__} must be a mapping, not {type(raw).__name__}")
    known = _kinds(shape)  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in raw if key not in known)
    if unknown:
        raise ValueError(f"unknown key {', '.join(map(repr, unknown))} in {shape.__name__}")
    # An empty value of YAML is the same as leaving the key out.
    given = {key: value for key, value in raw.items() if value is not None}
    return {key: _READERS.get(known[key], _as_is)(value, key) for key, value in given.items()}


Record = TypeVar("Record")
_INNER = re.compile(r"(tuple\[)?(\w+)(?:, \.\.\.\]| \| None)?")


def read_record(raw: Any, shape: type[Record], shapes: Mapping[str, type[Any]]) -> Record:
    """
    A dataclass with what is in its fields: of ``shapes`` (by name), or lists of such.

    :raises TypeError: a value is of another type than its field
    :raises ValueError: an unknown or missing key, or a value that cannot be; says where
    """
    values = read_fields(raw, shape)
    for name, inner, is_list, is_required in _parts(shape):  # type: ignore[arg-type]
        if name not in values:
            if is_required:
                raise ValueError(f"{shape.__name__} lacks {name!r}")
        elif inner in shapes:
            values[name] = _inner(values[name], name, shapes[inner], shapes, is_list)
    return shape(**values)


@lru_cache(maxsize=256)
def _kinds(shape: type[Any]) -> dict[str, str]:
    """Types of fields as they are written; remembered, since thousands of records have few shapes."""
    return {item.name: str(item.type) for item in fields(shape)}


@lru_cache(maxsize=256)
def _parts(shape: type[Any]) -> tuple[tuple[str, str, bool, bool], ...]:
    """Of each field the name, the type in it, whether it is a list of these, and whether it must be given."""
    parts = []
    for item in fields(shape):
        kind = _INNER.fullmatch(str(item.type))
        is_required = item.default is item.default_factory is MISSING
        parts.append((item.name, kind[2] if kind else "", bool(kind and kind[1]), is_required))
    return tuple(parts)


def _inner(raw: Any, key: str, shape: type[Any], shapes: Mapping[str, type[Any]], many: bool) -> Any:
    if many and not isinstance(raw, list):
        raise TypeError(f"{key} must be a list, not {type(raw).__name__}")
    records = []
    for index, one in enumerate(raw if many else [raw]):
        try:
            records.append(read_record(one, shape, shapes))
        except (TypeError, ValueError) as error:
            where = f"{key}[{index}]" if many else key
            raise type(error)(f"{where}: {error}") from error
    return tuple(records) if many else records[0]


def _as_is(value: Any, key: str) -> Any:
    del key
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} must be text, not {type(value).__name__}")
    if len(value) > MAX_TEXT or "\x00" in value:
        raise ValueError(f"{key} must be text of at most {MAX_TEXT} characters")
    return value


def _long_text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} must be text, not {type(value).__name__}")
    if len(value) > MAX_LONG_TEXT:
        raise ValueError(f"{key} must be text of at most {MAX_LONG_TEXT} characters")
    return value


def _moment(value: Any, key: str) -> datetime:
    text = _text(value, key)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() != timedelta(0) or moment.isoformat() != text:
        raise ValueError(f"{key} must be a time like 2026-09-21T12:00:00+00:00, not {text[:40]!r}")
    return moment


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


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{key} must be a list, not {type(value).__name__}")
    return tuple(_text(text, key) for text in value)


def _names(value: Any, key: str) -> tuple[str, ...]:
    names = _texts(value, key)
    wrong = [name for name in names if not name or name != name.strip()]
    if wrong:
        raise ValueError(f"{key} holds {wrong[0]!r}; a name is not empty and has no spaces around it")
    return names


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "str": _text,
    "LongText": _long_text,
    "bool": _flag,
    "int": _whole,
    "int | None": _whole,
    "float": _number,
    "float | None": _number,
    "tuple[str, ...]": _names,
    "Texts": _texts,
    "datetime": _moment,
    "datetime | None": _moment,
}
"""By the type that a field is declared with."""
