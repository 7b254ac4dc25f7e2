"""Queries for lists of releases: filtered, searched, by what somebody may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, case, or_, select, union
from sqlalchemy.orm import Session, selectinload

from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.states import (
    EXPIRING_RELEASE_STATES,
    OPEN_RELEASE_STATES,
    STOPPED_RELEASE_STATES,
    ReleaseState,
)
from airflow_release_plugin.models import Release, ReleaseItem
from airflow_release_plugin.repositories import search_words
from airflow_release_plugin.repositories.id_sets import is_one_of
from airflow_release_plugin.repositories.pages import Page, counted, like_in_any_case, require_order
from airflow_release_plugin.repositories.releases import effective_state, with_items

ReleaseIds: TypeAlias = "Select[int] | CompoundSelect[int]"
"""A query of one column, ``release_id``."""


@dataclass(frozen=True)
class SoughtWord:
    """
    What one word of a search stands for.

    :param word_ids: words of titles
    :param numbers: ids of releases
    """

    word_ids: frozenset[int]
    numbers: Sequence[range] = ()

    def __bool__(self) -> bool:
        return bool(self.word_ids or self.numbers)


@dataclass(frozen=True)
class ReleaseScope:
    """
    Which releases count besides a filter, as ids; ``None`` for all.

    :param ids: those that a search by name found
    :param words: of each of these the title or the number must have one
    :param of_units: units of which the release must contain one
    :param unit_ids: units that the caller may read
    :param is_checked_each: whether releases are looked at one by one for these, not gathered by them first:
        for most of all units, or among few releases
    :param seen_by: id of the caller, whose own releases are always seen
    """

    ids: Collection[int] | None = None
    words: Sequence[SoughtWord] = ()
    of_units: Collection[int] | None = None
    unit_ids: Collection[int] | None = None
    is_checked_each: bool = False
    seen_by: str = ""


ORDER_COLUMNS = {
    "number": Release.id,
    "title": Release.title,
    "requested_at": Release.requested_at,
    "released_at": Release.released_at,
    "requested_by": Release.requested_by_name,
}


def _filtered(criteria: ReleaseFilter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if criteria.state:
        conditions.append(_is_now(criteria.state, now))
    for equal, value in (
        (Release.kind, criteria.kind),
        (Release.requested_by_name, criteria.requested_by),
        (Release.released_by_name, criteria.released_by),
    ):
        if value:
            conditions.append(equal == value)
    for column, start, end in (
        (Release.requested_at, criteria.requested_after, criteria.requested_before),
        (Release.released_at, criteria.released_after, criteria.released_before),
    ):
        if start is not None:
            conditions.append(column >= start)
        if end is not None:
            conditions.append(column < end)
    return conditions


def _is_now(state: ReleaseState, now: datetime) -> ColumnElement[bool]:
    """Whether that is the effective state, by conditions that an index answers."""
    stored = Release.state == state
    if state in EXPIRING_RELEASE_STATES:
        return and_(stored, or_(Release.expires_at.is_(None), Release.expires_at > now))
    if state is not ReleaseState.EXPIRED:
        return stored
    return or_(stored, and_(Release.state.in_(list(EXPIRING_RELEASE_STATES)), Release.expires_at <= now))


def in_scope(session: Session, scope: ReleaseScope) -> list[ColumnElement[bool]]:
    """The conditions under which a scope has a release."""
    return [Release.id.in_(each) for each in _sets(session, scope)] + _looked_at(session, scope)


def _sets(session: Session, scope: ReleaseScope) -> list[ReleaseIds]:
    """
    Sets of ids, all of which must have a release.

    What somebody may see is one set: an OR would make the database look into it once for each release.
    """
    sets = [_with_word(session, word) for word in scope.words]
    if scope.of_units is not None:
        sets.append(_with_units(session, scope.of_units))
    if scope.unit_ids is not None and not scope.is_checked_each:
        own = select(Release.id.label("release_id")).where(Release.requested_by_id == scope.seen_by)
        sets.append(union(_with_units(session, scope.unit_ids), own))
    return sets


def _looked_at(session: Session, scope: ReleaseScope) -> list[ColumnElement[bool]]:
    """The conditions for which each release is looked at."""
    conditions: list[ColumnElement[bool]] = []
    if scope.ids is not None:
        conditions.append(is_one_of(session, Release.id, scope.ids))
    if scope.unit_ids is not None and scope.is_checked_each:
        conditions.append(seen(session, scope))
    return conditions


def _with_word(session: Session, word: SoughtWord) -> ReleaseIds:
    titled = search_words.titled(session, word.word_ids)
    if not word.numbers:
        return titled
    bounds = (and_(Release.id >= each.start, Release.id < each.stop) for each in word.numbers)
    return union(titled, select(Release.id.label("release_id")).where(or_(*bounds)))


def has_words(session: Session, scope: ReleaseScope, words: Sequence[SoughtWord]) -> bool:
    """Whether any release of a scope has them."""
    if not words or not all(words):
        return False
    query = select(Release.id).where(*in_scope(session, replace(scope, words=words))).limit(1)
    return session.scalar(query) is not None


def on_the_way(
    session: Session,
    states: Collection[ReleaseState],
    scope: ReleaseScope,
    *,
    now: datetime,
    but_for: Collection[int],
    limit: int,
) -> list[Release]:
    """Releases with their items that are in one of these states, what moved last in front."""
    conditions = [Release.state.in_(list(states)), effective_state(now).in_(list(states))]
    if but_for:
        conditions.append(Release.id.not_in(list(but_for)))
    return _newest(session, conditions, scope, Release.state_since, limit)


def landed_since(
    session: Session, scope: ReleaseScope, *, since: datetime, soaked_since: datetime, limit: int
) -> list[Release]:
    """
    Releases with their items that came to the target and were not found bad, newest first.

    :param soaked_since: of those that watch the first runs, from then on
    """
    soaks = and_(Release.soak_minutes > 0, Release.released_at >= soaked_since)
    conditions = [
        # The bound that an index answers; the other is a part of it.
        Release.released_at >= min(since, soaked_since),
        or_(Release.released_at >= since, soaks),
        Release.state.in_([ReleaseState.RELEASED, ReleaseState.ROLLED_BACK]),
    ]
    return _newest(session, conditions, scope, Release.released_at, limit)


def stopped_since(
    session: Session, scope: ReleaseScope, *, since: datetime, now: datetime, limit: int
) -> list[Release]:
    """Releases with their items that failed, were turned down or ran out of time, the last one first."""
    ran_out = and_(
        Release.state.in_(list(EXPIRING_RELEASE_STATES)),
        Release.expires_at >= since,
        Release.expires_at <= now,
    )
    ended = and_(Release.state.in_(list(STOPPED_RELEASE_STATES)), Release.state_since >= since)
    moment = case((ran_out, Release.expires_at), else_=Release.state_since)
    return _newest(session, [or_(ran_out, ended)], scope, moment, limit)


def _newest(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    scope: ReleaseScope,
    moment: Any,
    limit: int,
) -> list[Release]:
    """
    The newest releases under narrow conditions that the caller may see; one query and those of the items.

    What narrows comes first, then each of these few is looked at for a unit that the caller may read: neither
    the units of an installation nor what was released in years is gone through.
    """
    query = select(Release.id).where(*conditions).order_by(moment.desc(), Release.id.desc()).limit(limit)
    if scope.unit_ids is not None:
        query = query.where(seen(session, scope))
    chosen = list(session.scalars(query))
    rows = with_items(session, chosen)
    return [rows[release_id] for release_id in chosen]


def seen(session: Session, scope: ReleaseScope) -> ColumnElement[bool]:
    """Whether one of few releases is the caller's, or has a unit that they may read."""
    readable = is_one_of(session, ReleaseItem.unit_id, scope.unit_ids or ())
    # The limit keeps the database from gathering all items first, which it would for an EXISTS.
    one = select(ReleaseItem.id).where(ReleaseItem.release_id == Release.id, readable).limit(1)
    return or_(Release.requested_by_id == scope.seen_by, one.scalar_subquery().is_not(None))


def _with_units(session: Session, unit_ids: Collection[int]) -> Select[int]:
    return select(ReleaseItem.release_id).where(is_one_of(session, ReleaseItem.unit_id, unit_ids))


def list_releases(
    session: Session,
    criteria: ReleaseFilter,
    scope: ReleaseScope,
    *,
    now: datetime,
    order_by: str = "-number",
    limit: int = 50,
    offset: int = 0,
) -> Page[Release]:
    """
    Releases with their items.

    :param criteria: all but ``search`` and ``dag_id``, which ``scope`` has as ids
    :param order_by: a key of :data:`ORDER_COLUMNS`, ``-`` turns it
    """
    require_order(order_by, ORDER_COLUMNS)
    if criteria.state in OPEN_RELEASE_STATES:
        # Few are open at a time, and what the caller may see of all years is much.
        scope = replace(scope, is_checked_each=True)
    column = ORDER_COLUMNS[order_by.removeprefix("-")]
    order = column.desc() if order_by.startswith("-") else column.asc()
    ids, id_column = _ids(session, _filtered(criteria, now), scope, with_columns=column is not Release.id)
    if column is Release.id:
        page = ids.order_by(id_column.desc() if order_by.startswith("-") else id_column)
    else:
        page = ids.order_by(order, id_column.desc())
    # What is shown is read for one page alone; far pages would sort and throw away whole rows.
    page = page.limit(limit).offset(offset)
    rows = (
        select(Release)
        .where(Release.id.in_(page))
        .order_by(order, Release.id.desc())
        .options(selectinload(Release.items))
    )
    return Page(list(session.scalars(rows)), *counted(session, ids))


def _ids(
    session: Session, conditions: Sequence[ColumnElement[bool]], scope: ReleaseScope, *, with_columns: bool
) -> tuple[Select[int], ColumnElement[int]]:
    """
    Ids under conditions on releases and in a scope, and their column.

    The smaller sets are what is begun with, and releases are read only where something of them is asked: else
    the database would go through the ids of all.

    :param with_columns: whether columns of releases are needed besides
    """
    conditions = [*conditions, *_looked_at(session, scope)]
    sets = _sets(session, scope)
    if not sets:
        return select(Release.id.label("release_id")).where(*conditions), Release.id.expression
    first, *others = sets
    begun = (first.distinct() if isinstance(first, Select) else first).subquery()
    query = select(begun.c.release_id).where(*(begun.c.release_id.in_(each) for each in others))
    if with_columns:
        query = query.join(Release, Release.id == begun.c.release_id).where(*conditions)
    elif conditions:
        # The limit has each of them looked up; joined, the whole table might be read for a count.
        fits = (
            select(Release.id).where(Release.id == begun.c.release_id, *conditions).limit(1).correlate(begun)
        )
        query = query.where(fits.scalar_subquery().is_not(None))
    return query, begun.c.release_id


def newest_with_letters(
    session: Session, scope: ReleaseScope, words: Sequence[str], *, among: int
) -> list[tuple[int, str, str]]:
    """
    Id, title and number of releases of a scope with the letters of each word in their order in one of these.

    :param among: number of the newest releases that are looked through
    """
    columns = select(Release.id, Release.title, Release.number).where(*in_scope(session, scope))
    newest = columns.order_by(Release.id.desc()).limit(among).subquery()
    query = select(newest.c.id, newest.c.title, newest.c.number).order_by(newest.c.id.desc())
    for word in words:
        pattern = like_in_any_case(*word)
        names = (newest.c.title, newest.c.number)
        query = query.where(or_(*(name.ilike(pattern, escape="\\") for name in names)))
    return [(row[0], row[1], row[2]) for row in session.execute(query)]
