"""
What one DAG file makes in two trees: whether Airflow would run the same, and where it would not.

DAGs are compared as Airflow serialises them, since that is what its scheduler works with. Where they lie has
been taken out by whoever parsed them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.messages import Message, together

_LONGEST_VALUE = 80
"""Characters of a value in a sentence."""
_MOST = 20
"""Differences of one DAG that are told: the first ones say why, a thousand more do not."""

Serialized = Mapping[str, str]
"""Serialised DAGs by id, each as JSON."""


@dataclass(frozen=True, order=True)
class Difference:
    """
    One place where two runs of a file differ.

    :param dag_id: the DAG
    :param where: place in it, such as ``task load, sql``; empty where the DAG itself is missing in one run
    :param first: value in the first run as JSON, cut off where it is long; empty where it is missing
    :param second: value in the second run
    """

    dag_id: str
    where: str = ""
    first: str = ""
    second: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What differs, whatever the values."""
        return self.dag_id, self.where


def differences(first: Serialized, second: Serialized) -> tuple[Difference, ...]:
    """Where two runs of one file made other DAGs, sorted; empty when Airflow would run the same."""
    found: list[Difference] = []
    for dag_id in sorted({*first, *second}):
        if dag_id not in second:
            found.append(Difference(dag_id, first="made"))
        elif dag_id not in first:
            found.append(Difference(dag_id, second="made"))
        elif first[dag_id] != second[dag_id]:
            places = _walk("", json.loads(first[dag_id]), json.loads(second[dag_id]))
            found += [Difference(dag_id, *place) for _, place in zip(range(_MOST), places, strict=False)]
    return tuple(found)


_MISSING = object()


def _walk(where: str, first: Any, second: Any) -> Iterator[tuple[str, str, str]]:
    first, second = _plain(first), _plain(second)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted({*first, *second}):
            yield from _walk(_below(where, key), first.get(key, _MISSING), second.get(key, _MISSING))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (left, right) in enumerate(zip(first, second, strict=True), start=1):
            yield from _walk(Message("%(place)s no. %(number)s", place=where, number=number), left, right)
    elif first != second:
        yield where, _shown(first), _shown(second)


def _plain(value: Any) -> Any:
    """A value without Airflow's envelope of type and content; tasks by their id instead of in a row."""
    if isinstance(value, Mapping) and value.keys() == {"__type", "__var"}:
        value = value["__var"]
    if isinstance(value, list) and value:
        items = [_plain(item) for item in value]
        if all(isinstance(item, Mapping) and "task_id" in item for item in items):
            return {Message("task %(task_id)s", task_id=item["task_id"]): item for item in items}
        return items
    return value


def _below(where: str, key: str) -> str:
    if where in {"", "dag", "tasks"}:
        return key
    return together([where, key], ", ")


def _shown(value: Any) -> str:
    if value is _MISSING:
        return ""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def unsteady(found: Iterable[Difference], from_run_to_run: Iterable[Difference]) -> set[Difference]:
    """
    Those of ``found`` that two runs in the same tree have, too: random values, the clock.

    :param from_run_to_run: differences of two runs in one tree
    """
    keys = {difference.key for difference in from_run_to_run}
    whole = {dag_id for dag_id, where in keys if not where}
    return {each for each in found if each.key in keys or each.dag_id in whole}
