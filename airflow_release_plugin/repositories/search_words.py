"""Queries on the words of names: which there are, and which releases and units have them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, func, insert, literal, null, select, union_all

from airflow_release_plugin.domain.text.grams import (
    grams_of,
    grams_of_likeness,
    grams_of_part,
    word_key,
    words_of,
)
from airflow_release_plugin.models import SearchWord, TitleWord, UnitWord, WordGram
from airflow_release_plugin.repositories.events import lock_head
from airflow_release_plugin.repositories.id_sets import is_one_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_WORDS = 5000
"""Words of an installation that one word of a search stands for, the closest ones."""
_MOST_ALIKE = 300


def note_titles(session: Session, titles: Mapping[int, str]) -> None:
    """Let releases, which are new, be found by the words of their titles."""
    words = {(each, word_key(word)): word for each, title in titles.items() for word in words_of([title])}
    if words:
        _add_words(session, set(words.values()))
        rows = [{"release_id": each, "word_id": word_id} for each, word_id in sorted(words)]
        session.execute(insert(TitleWord), rows)


def note_units(session: Session, names: Mapping[int, Iterable[str]]) -> None:
    """Let units be found by the words of names, paths and ids of DAGs; what they were called before stays."""
    words = {(each, word_key(word)): word for each, texts in names.items() for word in words_of(texts)}
    query = select(UnitWord.unit_id, UnitWord.word_id)
    rows = session.execute(query.where(is_one_of(session, UnitWord.unit_id, list(names))))
    known = {(row[0], row[1]) for row in rows}
    fresh = {use: word for use, word in words.items() if use not in known}
    if fresh:
        _add_words(session, set(fresh.values()))
        session.execute(
            insert(UnitWord), [{"unit_id": each, "word_id": word_id} for each, word_id in sorted(fresh)]
        )


def _add_words(session: Session, words: Collection[str]) -> None:
    # One at a time, or two would add the same word. The trail's lock is the last in the order of locks.
    lock_head(session)
    by_key = {word_key(word): word for word in sorted(words)}
    known = set(session.scalars(select(SearchWord.id).where(is_one_of(session, SearchWord.id, list(by_key)))))
    fresh = {key: word for key, word in by_key.items() if key not in known}
    if fresh:
        session.execute(insert(SearchWord), [{"id": key, "word": word} for key, word in fresh.items()])
        session.execute(insert(WordGram), [row for word in fresh.values() for row in gram_rows(word)])


def gram_rows(word: str) -> list[dict[str, Any]]:
    """Rows of the index for one word."""
    key = word_key(word)
    return [{"gram": gram, "length": len(word), "word_id": key} for gram in sorted(grams_of(word))]


def words_with(session: Session, parts: Sequence[str]) -> list[list[int]]:
    """For each part the words that have it in them, the closest :data:`MOST_WORDS`; one query."""
    found: list[list[int]] = [[] for _ in parts]
    queries = [_candidates(session, at, part) for at, part in enumerate(parts)]
    for at, word_id, word in session.execute(union_all(*queries)) if queries else ():
        if word is None or parts[at] in word:
            found[at].append(word_id)
    return found


def _candidates(session: Session, at: int, part: str) -> Select[Any]:
    """Words with all pieces of a part; the word itself, too, where it can have them without the part."""
    grams = grams_of_part(part)
    query = select(WordGram.word_id).where(is_one_of(session, WordGram.gram, sorted(grams)))
    if len(part) <= 3:
        found = query.order_by(WordGram.length, WordGram.word_id).limit(MOST_WORDS).subquery()
        return select(literal(at), found.c.word_id, null())
    query = query.group_by(WordGram.word_id).having(func.count() == len(grams))
    found = query.order_by(func.min(WordGram.length), WordGram.word_id).limit(MOST_WORDS).subquery()
    return select(literal(at), found.c.word_id, _word(found.c.word_id))


def _word(word_id: Any) -> ColumnElement[str]:
    """The word, looked up for each row: a join might go through all words."""
    return select(SearchWord.word).where(SearchWord.id == word_id).scalar_subquery()


def words_like(session: Session, words: Sequence[str]) -> list[dict[int, str]]:
    """For each word those that share most pieces with it, the best few hundred by id; one query."""
    queries = []
    for at, word in enumerate(words):
        alike = (
            select(WordGram.word_id)
            .where(is_one_of(session, WordGram.gram, sorted(grams_of_likeness(word))))
            .group_by(WordGram.word_id)
            .order_by(func.count().desc(), func.abs(func.min(WordGram.length) - len(word)), WordGram.word_id)
            .limit(_MOST_ALIKE)
            .subquery()
        )
        queries.append(select(literal(at), alike.c.word_id, _word(alike.c.word_id)))
    found: list[dict[int, str]] = [{} for _ in words]
    for at, word_id, word in session.execute(union_all(*queries)) if queries else ():
        found[at][word_id] = word
    return found


def titled(session: Session, word_ids: Collection[int]) -> Select[int]:
    """Ids of releases with one of these words in their title."""
    return select(TitleWord.release_id).where(is_one_of(session, TitleWord.word_id, word_ids))


def units_with(session: Session, parts: Sequence[str]) -> set[int] | None:
    """Ids of the units with each part in a name that they have or had; ``None`` where there is no part."""
    if not parts:
        return None
    sought = words_with(session, parts)
    every = {word_id for word_ids in sought for word_id in word_ids}
    if not all(sought):
        return set()
    owners: dict[int, set[int]] = defaultdict(set)
    query = select(UnitWord.word_id, UnitWord.unit_id)
    for word_id, unit_id in session.execute(query.where(is_one_of(session, UnitWord.word_id, every))):
        owners[word_id].add(unit_id)
    return set.intersection(*(set().union(*(owners[each] for each in word_ids)) for word_ids in sought))
