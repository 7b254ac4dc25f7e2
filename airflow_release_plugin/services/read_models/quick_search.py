"""The search box of the section: a few releases, DAGs, versions, flows and people by parts of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.text.folding import folded
from airflow_release_plugin.domain.text.search import LONGEST, closest
from airflow_release_plugin.models.release import release_id_of
from airflow_release_plugin.repositories import quick_search as queries
from airflow_release_plugin.repositories import search_words
from airflow_release_plugin.repositories.quick_search import NamedFlow, NamedRelease, NamedUnit, NamedVersion
from airflow_release_plugin.repositories.release_lists import ReleaseScope
from airflow_release_plugin.services.read_models import approver_search
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

MOST = 6
"""Hits of each kind; whoever wants more writes more, or goes to the list."""
_LOOKED_AT = 100
"""DAG files that are looked through for the best."""
_MOST_WORDS = 8
_VERSION = re.compile(r"v([0-9]{1,9})", re.IGNORECASE)


@dataclass(frozen=True)
class DagHit:
    """A DAG by its id in the target, and the file that defines it."""

    dag_id: str
    path: str


@dataclass(frozen=True)
class VersionHit:
    """A version and the name of its DAG file."""

    version: NamedVersion
    name: str


@dataclass(frozen=True)
class QuickSearchDetail:
    """What was found, at most :data:`MOST` of each kind, the best first."""

    releases: tuple[NamedRelease, ...] = ()
    dags: tuple[DagHit, ...] = ()
    versions: tuple[VersionHit, ...] = ()
    flows: tuple[NamedFlow, ...] = ()
    people: tuple[Person, ...] = ()

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(map(len, (self.releases, self.dags, self.versions, self.flows, self.people)))


def find(ctx: Context, *, actor: Actor, text: str) -> QuickSearchDetail:
    """
    What has every word of ``text`` in a name and the actor may see; fixed queries, each with a limit.

    Releases are found by number (``R-12``, ``12``) or title, the newest first; versions by the name of their
    file and ``v3``, else the newest.
    """
    words = [word[:LONGEST] for word in folded(text).split()][:_MOST_WORDS]
    if not words:
        return QuickSearchDetail()
    scope = access.release_scope(ctx, actor)
    named, version = _version_of(words)
    names = [ctx.settings.target_id(word) for word in named]
    source = ctx.settings.source
    units = queries.units_named(ctx.session, source, names, readable=scope.unit_ids, limit=_LOOKED_AT)
    units = units if scope.unit_ids is None else _as_readable(ctx, actor, units)
    best = closest(" ".join(names), units, lambda unit: (*unit.dag_ids, unit.path, unit.name))
    return QuickSearchDetail(
        releases=tuple(_releases(ctx, text, words, scope)[:MOST]),
        dags=_dags([ctx.settings.target_id(word) for word in words], units),
        versions=_versions(ctx, best, version),
        flows=tuple(queries.flows_named(ctx.session, words, limit=MOST)),
        people=_people(ctx, words),
    )


def _releases(ctx: Context, text: str, words: Sequence[str], scope: ReleaseScope) -> list[NamedRelease]:
    now = ctx.clock()
    number = release_id_of(text.strip())
    exact = [] if number is None else queries.release_numbered(ctx.session, number, scope, now=now)
    sought = search_words.words_with(ctx.session, words)
    titled = queries.releases_titled(ctx.session, sought, scope, now=now, limit=MOST)
    return [*exact, *(row for row in titled if row not in exact)]


def _version_of(words: Sequence[str]) -> tuple[list[str], int | None]:
    """The words that are part of a name, and the number of the version if one of the others says it."""
    numbers = [int(found[1]) for word in words if (found := _VERSION.fullmatch(word))]
    names = [word for word in words if not _VERSION.fullmatch(word)]
    return (names, numbers[0]) if names and numbers else (list(words), None)


def _dags(words: Sequence[str], units: Iterable[NamedUnit]) -> tuple[DagHit, ...]:
    hits = [DagHit(dag_id, unit.path) for unit in units for dag_id in unit.dag_ids]
    return tuple(closest(" ".join(words), hits, lambda hit: (hit.dag_id, hit.path))[:MOST])


def _versions(ctx: Context, units: Sequence[NamedUnit], version: int | None) -> tuple[VersionHit, ...]:
    names = {unit.id: unit.name for unit in units[:MOST]}
    rows = queries.newest_versions(ctx.session, names, version, limit=MOST)
    return tuple(VersionHit(row, names[row.unit_id]) for row in rows)


def _people(ctx: Context, words: Sequence[str]) -> tuple[Person, ...]:
    return tuple(approver_search.people_named(ctx, text=" ".join(words))[:MOST])


def _as_readable(ctx: Context, actor: Actor, units: Sequence[NamedUnit]) -> list[NamedUnit]:
    """The same without DAGs that stand in a file with others, of which alone the actor may know."""
    names = {dag_id for unit in units for dag_id in unit.dag_ids}
    readable = ctx.airflow.access.readable(actor, access.both_ids(ctx, names))
    shown = {name for name in names if not readable.isdisjoint(access.both_ids(ctx, [name]))}
    return [
        replace(
            unit,
            name=unit.path if unit.name in names - shown else unit.name,
            dag_ids=tuple(dag_id for dag_id in unit.dag_ids if dag_id in shown),
        )
        for unit in units
    ]
