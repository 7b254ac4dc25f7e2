"""Which DAG file is the new place of one that is gone, found by the DAGs that they define."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from airflow_release_plugin.messages import Message


@dataclass(frozen=True)
class Moves:
    """
    Files that moved, and why others that look like it do not count.

    :param origins: old path by new path
    :param notes: for people, by old or new path
    """

    origins: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def find_moves(
    gone: Mapping[str, Collection[str]], present: Mapping[str, Collection[str]], taken: Collection[str]
) -> Moves:
    """
    Match files that are gone with files that define DAGs of theirs.

    Only one file that answers to only one gone file is its new place. DAGs that were spread over several
    files, or files that were put together into one, are not a rename: the old file is deleted, the others
    are new.

    :param gone: DAG ids by path of files that are known but not there any more
    :param present: DAG ids by path of files that are there
    :param taken: paths of ``present`` that are known as files of their own
    """
    places: dict[str, set[str]] = defaultdict(set)
    for path, dag_ids in present.items():
        for dag_id in dag_ids:
            places[dag_id].add(path)
    places_by_old = {
        old: {path for i in dag_ids for path in places.get(i, ())} for old, dag_ids in gone.items()
    }
    claims: dict[str, list[str]] = defaultdict(list)
    for old, paths in places_by_old.items():
        for path in paths:
            claims[path].append(old)
    origins: dict[str, str] = {}
    notes: dict[str, str] = {}
    for old, paths in sorted(places_by_old.items()):
        rivals = sorted({rival for path in paths for rival in claims[path]})
        if len(paths) == 1 and rivals == [old] and paths.isdisjoint(taken):
            origins[next(iter(paths))] = old
        elif paths:
            notes[old] = Message(
                "Its Dags are in %(paths)s now. That is no plain rename: remove this file, submit the "
                "others, and release them together.",
                paths=_quoted(paths),
            )
            for path in paths - set(taken):
                notes[path] = Message(
                    "It has Dags of %(paths)s, which is gone. That is no plain rename: submit this file "
                    "and the removal, and release them together.",
                    paths=_quoted(rivals),
                )
    return Moves(origins, notes)


def _quoted(paths: Collection[str]) -> list[str]:
    return [repr(path) for path in sorted(paths)]
