"""Asks Airflow's auth manager what a person may do."""

from __future__ import annotations

import contextvars
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from airflow_release_plugin.airflow_internals.auth_managers import (
    auth_manager_class,
    fab_people,
    is_fab,
    is_simple,
    simple_people,
)
from airflow_release_plugin.airflow_internals.people_provider import provided_people
from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.ports import DagAccess

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

T = TypeVar("T")


class AirflowAccess:
    """
    Answers for the one person whose request this is, as the auth manager knows them.

    :param session: for the questions about people; never committed here
    :param user: the auth manager's user, as :func:`~airflow_release_plugin.airflow_internals.actors.resolve`
        returned it; without one nobody may do anything
    """

    def __init__(self, session: Session, user: Any = None) -> None:
        self._session = session
        self._user = user
        self._people: tuple[Person, ...] | None = None

    def may(self, actor: Actor, access: DagAccess, dag_id: str) -> bool:
        """Whether ``actor`` may; ``False`` for everybody but the person whose request this is."""
        return self._is_requester(actor) and self._may(self._user, access, dag_id)

    def lets(self, person: Person, access: DagAccess, dag_id: str) -> bool:
        """
        Whether somebody else may.

        Airflow's simple manager and FAB's make their user of an id, as they do of a token's; others may need
        more than that, so nobody is said to see anything there.
        """
        manager = auth_manager_class()
        if not (is_simple(manager) or is_fab(manager)):
            return False
        claims = {"sub": person.id, "role": next(iter(person.roles), None)}
        try:
            user = self._ask(lambda manager: manager.deserialize_user(claims))
        except ValueError:  # who has left meanwhile
            return False
        return self._may(user, access, dag_id)

    def _may(self, user: Any, access: DagAccess, dag_id: str) -> bool:
        from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

        return self._ask(
            lambda manager: bool(
                manager.is_authorized_dag(
                    method="PUT" if access is DagAccess.EDIT else "GET",
                    access_entity=DagAccessEntity.CODE if access is DagAccess.READ_CODE else None,
                    details=DagDetails(id=dag_id, team_name=self._teams([dag_id]).get(dag_id)),
                    user=user,
                )
            )
        )

    def readable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        """The subset of ``dag_ids`` that ``actor`` may see; one call for each team."""
        return self._authorized(actor, dag_ids, "GET")

    def editable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        """The subset of ``dag_ids`` that ``actor`` may edit; one call for each team."""
        return self._authorized(actor, dag_ids, "PUT")

    def _authorized(
        self, actor: Actor, dag_ids: Iterable[str], method: Literal["GET", "PUT"]
    ) -> frozenset[str]:
        wanted = set(dag_ids)
        if not wanted or not self._is_requester(actor):
            return frozenset()
        teams = self._teams(wanted)
        by_team: dict[str | None, set[str]] = defaultdict(set)
        for dag_id in wanted:
            by_team[teams.get(dag_id)].add(dag_id)
        found: set[str] = set()
        for team, members in by_team.items():
            found |= self._ask(
                lambda manager, team=team, members=members: manager.filter_authorized_dag_ids(  # type: ignore[misc]
                    dag_ids=members, user=self._user, method=method, team_name=team
                )
            )
        return frozenset(found)

    def may_create(self, actor: Actor, kind: Kind, name: str) -> bool:
        """Whether ``actor`` may make such a connection, variable or pool, of no team."""
        from airflow.api_fastapi.auth.managers.models import resource_details as details

        if not self._is_requester(actor):
            return False
        questions: dict[Kind, Callable[[Any], bool]] = {
            Kind.CONNECTION: lambda manager: manager.is_authorized_connection(
                method="POST", details=details.ConnectionDetails(conn_id=name), user=self._user
            ),
            Kind.VARIABLE: lambda manager: manager.is_authorized_variable(
                method="POST", details=details.VariableDetails(key=name), user=self._user
            ),
            Kind.POOL: lambda manager: manager.is_authorized_pool(
                method="POST", details=details.PoolDetails(name=name), user=self._user
            ),
        }
        return bool(self._ask(questions[kind]))

    def people(self) -> tuple[Person, ...]:
        """
        Everyone who can log in; for other auth managers than Airflow's simple one and FAB's, whom the people
        provider names, and nobody without one. FAB's are read once: flows with many steps ask for each.
        """
        manager = auth_manager_class()
        if is_simple(manager):
            return simple_people(manager)
        if not is_fab(manager):
            return provided_people()
        if self._people is None:
            self._people = fab_people(self._session)
        return self._people

    def person(self, actor_id: str) -> Person | None:
        """Somebody by id with the roles held now; ``None`` for who left, or whom the manager cannot list."""
        manager = auth_manager_class()
        if is_fab(manager):
            found = fab_people(self._session, [int(actor_id)]) if actor_id.isdecimal() else ()
        else:
            found = tuple(person for person in self.people() if person.id == actor_id)
        return found[0] if found else None

    def _is_requester(self, actor: Actor) -> bool:
        return self._user is not None and str(self._user.get_id()) == actor.id

    def _teams(self, dag_ids: Iterable[str]) -> dict[str, str | None]:
        from airflow.configuration import conf

        if not conf.getboolean("core", "multi_team", fallback=False):
            return {}
        from airflow.models.dag import DagModel

        return DagModel.get_dag_id_to_team_name_mapping(list(dag_ids), session=self._session)

    def _ask(self, question: Callable[[Any], T]) -> T:
        """
        Put a question to the auth manager outside of our own Flask application.

        FAB's user looks for its security manager in whatever Flask application is active, and ours, which
        serves the pages, has none of FAB's tables. An empty context has no active application.
        """
        from airflow.api_fastapi.app import create_auth_manager

        return contextvars.Context().run(question, create_auth_manager())
