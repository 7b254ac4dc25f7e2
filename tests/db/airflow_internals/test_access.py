from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.access import AirflowAccess
from airflow_release_plugin.airflow_internals.actors import actor_from_user, resolve
from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.exceptions import NotAuthenticatedError

pytestmark = [
    pytest.mark.req("R36"),
    pytest.mark.filterwarnings("ignore:Using `httpx` with"),  # Airflow imports Starlette's test client
    pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi"),  # so does the FAB provider's application
]


SimpleUser = Callable[[str, str], Any]


@pytest.fixture
def simple_user(monkeypatch: pytest.MonkeyPatch) -> SimpleUser:
    """Configures somebody, and nobody else, in the simple auth manager."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def configure(name: str, role: str) -> Any:
        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", f"{name}:{role}")
        return SimpleAuthManagerUser(username=name, role=role)

    return configure


@pytest.mark.usefixtures("simple_manager")
class TestSimple:
    def test_a_user_is_known_by_name_with_the_role_in_lower_case(self, simple_user: SimpleUser) -> None:
        assert actor_from_user(simple_user("ann", "ADMIN")) == Actor("ann", "ann", frozenset({"admin"}))

    def test_a_configured_service_user_is_one(
        self, simple_user: SimpleUser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__SERVICE_USERS", "robot")

        assert actor_from_user(simple_user("robot", "viewer")).kind is ActorKind.SERVICE

    async def test_a_token_names_its_user(self, simple_user: SimpleUser, simple_manager: Any) -> None:
        token = simple_manager.generate_jwt(simple_user("ann", "op"))

        actor, user = await resolve(token)

        assert (actor.name, actor.roles, user.get_id()) == ("ann", frozenset({"op"}), "ann")

    @pytest.mark.parametrize("token", ["", "garbage", "a.b.c", "\x00", "eyJhbGciOiJub25lIn0.e30."])
    async def test_a_malformed_token_names_nobody(self, token: str) -> None:
        with pytest.raises(NotAuthenticatedError):
            await resolve(token)

    async def test_an_expired_token_names_nobody(self, simple_user: SimpleUser, simple_manager: Any) -> None:
        token = simple_manager.generate_jwt(simple_user("ann", "op"), expiration_time_in_seconds=-3600)

        with pytest.raises(NotAuthenticatedError):
            await resolve(token)

    def test_a_token_that_was_logged_out_names_nobody(
        self, simple_user: SimpleUser, simple_manager: Any
    ) -> None:
        token = simple_manager.generate_jwt(simple_user("ann", "op"))
        simple_manager.revoke_token(token)  # does nothing, with a warning, inside an event loop

        with pytest.raises(NotAuthenticatedError):
            asyncio.run(resolve(token))

    @pytest.mark.parametrize(
        ("role", "access", "allowed"),
        [
            ("viewer", DagAccess.READ, True),
            ("viewer", DagAccess.READ_CODE, True),
            ("viewer", DagAccess.EDIT, False),
            ("user", DagAccess.EDIT, True),
        ],
    )
    def test_the_role_decides(
        self, simple_user: SimpleUser, session: Session, role: str, access: DagAccess, allowed: bool
    ) -> None:
        user = simple_user("ann", role)

        assert AirflowAccess(session, user).may(actor_from_user(user), access, "etl") is allowed

    def test_nobody_else_may_through_ones_request(self, simple_user: SimpleUser, session: Session) -> None:
        access = AirflowAccess(session, simple_user("ann", "admin"))
        bob = Actor("bob", "bob", frozenset({"admin"}))

        assert not access.may(bob, DagAccess.READ, "etl")
        assert access.readable(bob, ["etl"]) == frozenset()

    def test_a_token_of_somebody_who_was_removed_names_nobody(
        self, simple_manager: Any, simple_user: SimpleUser
    ) -> None:
        token = simple_manager.generate_jwt(simple_user("ann", "op"))
        simple_user("bob", "op")

        with pytest.raises(NotAuthenticatedError):
            asyncio.run(resolve(token))

    async def test_the_role_is_the_one_of_now(self, simple_manager: Any, simple_user: SimpleUser) -> None:
        token = simple_manager.generate_jwt(simple_user("ann", "op"))
        simple_user("ann", "viewer")

        actor, _ = await resolve(token)

        assert actor.roles == {"viewer"}

    def test_nobody_may_without_a_user(self, session: Session) -> None:
        assert not AirflowAccess(session).may(Actor("ann", "ann"), DagAccess.READ, "etl")

    def test_what_may_be_read_is_told_at_once(self, simple_user: SimpleUser, session: Session) -> None:
        user = simple_user("ann", "viewer")

        assert AirflowAccess(session, user).readable(actor_from_user(user), ["a", "b"]) == {"a", "b"}

    def test_people_are_those_of_the_configuration(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ann:op,bob:Viewer")

        people = AirflowAccess(session).people()

        assert [(person.id, person.roles) for person in people] == [("ann", {"op"}), ("bob", {"viewer"})]

    def test_somebody_who_is_not_configured_is_nobody(self, session: Session) -> None:
        assert AirflowAccess(session).person("left") is None

    def test_in_all_admins_mode_there_is_one_person(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")

        (person,) = AirflowAccess(session).people()

        assert (person.id, person.roles) == ("Anonymous", {"admin"})


@pytest.fixture
def fab(fab_manager: Any, session: Session) -> Any:
    """FAB's manager; Ann edits one DAG, and holds a second role through a group."""
    from airflow.providers.fab.auth_manager import models

    def permission(action: str, resource: str) -> Any:
        return models.Permission(
            action=_found_or_new(session, models.Action, action),
            resource=_found_or_new(session, models.Resource, resource),
        )

    editor = models.Role(
        name="Editors",
        permissions=[permission("can_edit", "DAG:etl"), permission("can_create", "Pools")],
    )
    reader = models.Role(
        name="Readers",
        permissions=[permission("can_read", "DAG:etl"), permission("can_read", "DAG Code")],
    )
    reviewers = models.Role(name="Reviewers")
    ann = models.User(first_name="Ann", last_name="A", username="ann", email="a@x", roles=[editor, reader])
    gone = models.User(first_name="Bob", last_name="B", username="bob", email="b@x", active=False)
    session.add_all([models.Group(name="board", users=[ann], roles=[reviewers]), ann, gone])
    session.commit()
    return fab_manager


def _found_or_new(session: Session, model: Any, name: str) -> Any:
    with session.no_autoflush:
        found = session.scalars(select(model).where(model.name == name)).one_or_none()
    if found is None:
        found = model(name=name)
        session.add(found)
        session.flush()
    return found


def ann(session: Session) -> Any:
    from airflow.providers.fab.auth_manager.models import User

    return session.scalars(select(User).where(User.username == "ann")).one()


@pytest.mark.usefixtures("fab")
class TestFab:
    def test_a_user_is_known_by_number_with_the_roles_of_groups_too(self, session: Session) -> None:
        user = ann(session)

        actor = actor_from_user(user, session=session)

        assert actor == Actor(str(user.id), "ann", frozenset({"Editors", "Readers", "Reviewers"}))

    async def test_a_token_names_its_user(self, fab: Any, session: Session) -> None:
        actor, user = await resolve(fab.generate_jwt(ann(session)), session=session)

        assert (actor.name, user.username, "Reviewers" in actor.roles) == ("ann", "ann", True)

    async def test_a_user_who_was_deactivated_a_moment_ago_is_nobody(
        self, fab: Any, session: Session
    ) -> None:
        token = fab.generate_jwt(ann(session))
        await resolve(token, session=session)  # FAB keeps the user for half a minute
        ann(session).active = False
        session.commit()

        with pytest.raises(NotAuthenticatedError):
            await resolve(token, session=session)

    async def test_the_permissions_decide(self, fab: Any, session: Session) -> None:
        actor, user = await resolve(fab.generate_jwt(ann(session)), session=session)
        access = AirflowAccess(session, user)

        assert [access.may(actor, wanted, "etl") for wanted in DagAccess] == [True, True, True]
        assert [access.may(actor, wanted, "other") for wanted in DagAccess] == [False, False, False]
        assert access.readable(actor, ["etl", "other"]) == {"etl"}

    async def test_the_permissions_decide_what_may_be_made(self, fab: Any, session: Session) -> None:
        actor, user = await resolve(fab.generate_jwt(ann(session)), session=session)
        access = AirflowAccess(session, user)

        assert [kind for kind in Kind if access.may_create(actor, kind, "new")] == [Kind.POOL]

    async def test_the_permissions_decide_inside_a_flask_application_of_ours(
        self, fab: Any, session: Session
    ) -> None:
        from flask import Flask

        actor, user = await resolve(fab.generate_jwt(ann(session)), session=session)
        user._perms = None

        with Flask("ours").app_context():
            assert AirflowAccess(session, user).may(actor, DagAccess.READ, "etl")

    def test_people_are_the_active_users(self, session: Session) -> None:
        people = {person.name: person for person in AirflowAccess(session).people()}

        assert "bob" not in people
        assert people["ann"].roles == {"Editors", "Readers", "Reviewers"}
        assert people["ann"].display_name == "Ann A"

    def test_somebody_is_found_by_number(self, session: Session) -> None:
        access = AirflowAccess(session)

        found = access.person(str(ann(session).id))

        assert found is not None
        assert found.name == "ann"
        assert [access.person(unknown) for unknown in ("999999", "ann", "")] == [None, None, None]
