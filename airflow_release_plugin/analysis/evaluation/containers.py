"""What comes out of lists, dictionaries and listed folders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from airflow_release_plugin.analysis.evaluation.values import (
    ANYTHING,
    ELSEWHERE,
    LISTED,
    NOT_LOCAL,
    UNKNOWN,
    Listing,
    Mapping,
    Sequence,
    Value,
    Values,
    is_known,
    merged,
)

_WILDCARDS = re.compile(r"\*\*/?|\*|\?|\[!?[^\]/]+\]")

_EMPTY = Sequence(())


def elements(values: Values) -> Values:
    """What iterating over a value gives."""
    filled = [value for value in values if value != _EMPTY]
    return merged(_elements(value) for value in filled)


def _elements(value: Value) -> Values:
    if isinstance(value, Sequence):
        return merged(value.items)
    if isinstance(value, Mapping):
        return tuple(key for key, _ in value.items) or ANYTHING
    if isinstance(value, Listing):
        return _entries(value)
    return _hole(value)


def _entries(listing: Listing) -> Values:
    if listing.form == "name":
        return (LISTED,)
    if listing.form == "glob":
        return (_WILDCARDS.sub(LISTED, listing.folder),)
    below = posixpath.join(listing.folder, LISTED)
    if listing.form == "walk":
        names: Values = (Sequence(((LISTED,),)),)
        return (Sequence(((listing.folder, below), names, names)),)
    return (below,)


def projected(values: Values, path: tuple[int, ...]) -> Values:
    """What unpacking a value along ``path`` gives."""
    for index in path:
        values = merged(entry(value, index) for value in values)
    return values


def entry(value: Value, key: Value) -> Values:
    """What ``value[key]`` may stand for."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, Sequence):
        if isinstance(key, int) and -len(value.items) <= key < len(value.items):
            return value.items[key]
        return elements((value,)) if not isinstance(key, int) else ANYTHING
    if isinstance(value, Listing):
        return _entries(value)
    if is_known(value) and isinstance(key, int) and -len(value) <= key < len(value):
        return (value[key],)
    return _hole(value)


def _hole(value: Value) -> Values:
    if isinstance(value, str) and value and set(value) <= {ELSEWHERE}:
        return NOT_LOCAL
    return (LISTED,) if value == LISTED else (UNKNOWN,)


def mapping_of(pairs: Iterable[tuple[Values | None, Values]]) -> Values:
    """What a dictionary of these pairs may stand for; without a key the value is another dictionary."""
    items: list[tuple[Value, Values]] = []
    others: list[Values] = []
    for names, values in pairs:
        if names is None:
            for inner in values:
                items.extend(inner.items if isinstance(inner, Mapping) else ())
        elif all(is_known(name) or isinstance(name, int) for name in names):
            items.extend((name, values) for name in names)
        else:
            others.append(values)
    return (Mapping(tuple(items), merged(others) if others else ()),)
