"""Which releases people mean by words; typing errors are forgiven where nothing else is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_release_plugin.domain.text.search import most_errors, search, sought_words, within
from airflow_release_plugin.models.release import ids_numbered
from airflow_release_plugin.repositories import release_lists, search_words
from airflow_release_plugin.repositories.release_lists import ReleaseScope, SoughtWord
from airflow_release_plugin.services.runtime.context import Context

MOST_BY_INITIALS = 5000
"""Releases, the newest, that are looked through for initials of several words."""
_MOST_ERRORS = 2


def searched(ctx: Context, scope: ReleaseScope, text: str) -> ReleaseScope:
    """
    The scope, narrowed to what people mean by a text.

    Each word is a part of a word of the title, or a number. Else the words are initials, among the newest
    releases; else each may have typing errors. What the scope does not have changes nothing: neither may it
    be in the way, nor may people find out what is there by what they do not find.
    """
    words = sought_words(text)
    if not words:
        return scope
    written = as_written(ctx, words)
    if release_lists.has_words(ctx.session, scope, written):
        return replace(scope, words=written)
    if ids := _by_initials(ctx, scope, text, words):
        return replace(scope, ids=ids)
    return _forgiving(ctx, scope, words, written)


def as_written(ctx: Context, words: Sequence[str]) -> list[SoughtWord]:
    """What words stand for just as they are."""
    found = search_words.words_with(ctx.session, words)
    return [SoughtWord(frozenset(ids), ids_numbered(word)) for word, ids in zip(words, found, strict=True)]


def _by_initials(ctx: Context, scope: ReleaseScope, text: str, words: Sequence[str]) -> list[int]:
    names = release_lists.newest_with_letters(ctx.session, scope, words, among=MOST_BY_INITIALS)
    return [row[0] for _, row in search(text, names, lambda row: row[1:], most=0)]


def _forgiving(
    ctx: Context, scope: ReleaseScope, words: Sequence[str], written: Sequence[SoughtWord]
) -> ReleaseScope:
    bendable = [word for word in words if most_errors(word)]
    alike = dict(zip(bendable, search_words.words_like(ctx.session, bendable), strict=True))
    tried = list(written)
    for errors in range(1, 1 + _MOST_ERRORS if bendable else 1):
        near = [
            replace(each, word_ids=each.word_ids.union(_near(word, alike.get(word, {}), errors)))
            for word, each in zip(words, written, strict=True)
        ]
        if near != tried and release_lists.has_words(ctx.session, scope, near):
            return replace(scope, words=near)
        tried = near
    return replace(scope, ids=())


def _near(word: str, known: dict[int, str], errors: int) -> list[int]:
    hits = within(word, known.values(), errors)
    return [word_id for word_id, hit in zip(known, hits, strict=True) if hit]
