"""
One request, command or callback = one transaction, committed here at its end.

See invariant 5 (docs/concepts/invariants.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.airflow_internals.actors import actor_from_user
from airflow_release_plugin.airflow_internals.factory import build_airflow
from airflow_release_plugin.airflow_internals.session import airflow_session
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.exceptions import ConflictError, DatabaseUnsupportedError, UnavailableError
from airflow_release_plugin.repositories.databases import why_unsupported
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.database import database_store


@contextmanager
def unit_of_work(user: Any = None) -> Iterator[tuple[Context, Actor]]:
    """
    A context with a transaction, and the actor with the roles held at this moment.

    :param user: the auth manager's user; ``None`` for the product itself
    :raises ConflictError: somebody else changed the same thing at the same moment
    :raises UnavailableError: the database does not answer, or is one that cannot hold our tables
    """
    try:
        with airflow_session() as session:
            if why_not := why_unsupported(session):
                raise DatabaseUnsupportedError(why_not)
            actor = SYSTEM if user is None else actor_from_user(user, session=session)
            yield (
                Context(
                    session=session, store=database_store(session), airflow=build_airflow(session, user=user)
                ),
                actor,
            )
    except (StaleDataError, IntegrityError) as error:
        raise ConflictError(
            "Somebody else changed the same thing at the same moment. Reload, look, and do it "
            "again if it is still needed.",
            lost_race=True,
        ) from error
    except OperationalError as error:
        raise UnavailableError(
            "The metadata database is busy or away. Nothing was changed; try again."
        ) from error
