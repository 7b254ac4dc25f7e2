"""How a user last left a page, so that it opens like that again, and in which language."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.exc import IntegrityError

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Preference
from airflow_release_plugin.repositories import preferences
from airflow_release_plugin.services.runtime.context import Context

MOST_LETTERS = 2000
"""What is longer is not remembered: nobody typed it."""
LANGUAGE = "language"
"""The page of which the language is kept that somebody chose for all of them."""


def languages(ctx: Context, people: Collection[str]) -> dict[str, str]:
    """The tags of the languages that people chose, by their ids; one statement."""
    return preferences.queries(ctx.session, people, LANGUAGE)


def recall(ctx: Context, *, actor: Actor, page: str) -> str:
    """The query string that the user left the page with; empty if there is none."""
    preference = preferences.preference(ctx.session, actor.id, page)
    return preference.query if preference else ""


def remember(ctx: Context, *, actor: Actor, page: str, query: str) -> None:
    """Keep a query string for the next time; an empty one forgets."""
    preference = preferences.preference(ctx.session, actor.id, page)
    if len(query) > MOST_LETTERS or query == (preference.query if preference else ""):
        return
    if preference:
        preference.query = query
        return
    try:
        with ctx.session.begin_nested():
            ctx.session.add(Preference(actor_id=actor.id, page=page, query=query))
    except IntegrityError:
        pass  # the same user opened the page twice at once: either is how it was left
