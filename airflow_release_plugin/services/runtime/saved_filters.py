"""Filters of lists that people keep under a name; each person has their own."""

from __future__ import annotations

from urllib.parse import parse_qsl

from sqlalchemy.exc import IntegrityError

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.list_pages import ListPage, filter_query
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotFoundError
from airflow_release_plugin.models import SavedFilter
from airflow_release_plugin.repositories import saved_filters as queries
from airflow_release_plugin.services.runtime.context import Context

MOST_FILTERS = 50
MOST_NAME = 100
MOST_LETTERS = 2000
"""A longer query was not made by a form."""


def list_filters(ctx: Context, *, actor: Actor, page: ListPage) -> list[SavedFilter]:
    """The actor's filters for a list, by name."""
    return queries.of_actor(ctx.session, actor.id, page)


def get(ctx: Context, *, actor: Actor, filter_id: int) -> SavedFilter:
    """One of the actor's filters."""
    found = queries.saved_filter(ctx.session, filter_id)
    if found is None or found.actor_id != actor.id:
        raise NotFoundError(
            "You have no saved filter %(filter_id)s; perhaps it was deleted. Reload the list.",
            filter_id=filter_id,
        )
    return found


def save(ctx: Context, *, actor: Actor, page: ListPage, name: str, query: str) -> SavedFilter:
    """
    Keep a filter under a name; one that has the name already is replaced.

    :param query: of the page's address
    :raises InvalidRequestError: no name, no filter, or too long
    :raises ConflictError: the actor has as many as fit
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise InvalidRequestError(
            "A saved filter needs a name of 1 to %(most_name)s characters.", most_name=MOST_NAME
        )
    kept = filter_query(parse_qsl(query))
    if not kept or len(kept) > MOST_LETTERS:
        raise InvalidRequestError("There is no filter to save: filter the list first, then save that.")
    mine = queries.of_actor(ctx.session, actor.id, page)
    same = next((each for each in mine if each.name == name), None)
    if same is not None:
        same.query = kept
        return same
    if len(mine) >= MOST_FILTERS:
        raise ConflictError(
            "You have %(count)s saved filters for this list, which is the most. Delete one, or "
            "save under the name of one that may go.",
            count=len(mine),
        )
    made = SavedFilter(actor_id=actor.id, page=page, name=name, query=kept)
    try:
        with ctx.session.begin_nested():
            ctx.session.add(made)
    except IntegrityError as error:
        raise ConflictError(
            "A filter %(name)r was saved at the same time. Save it again.", name=name
        ) from error
    return made


def delete(ctx: Context, *, actor: Actor, filter_id: int) -> SavedFilter:
    """Forget one of the actor's filters; return what it was."""
    gone = get(ctx, actor=actor, filter_id=filter_id)
    ctx.session.delete(gone)
    return gone
