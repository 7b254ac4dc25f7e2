"""An auth manager of one's own: nobody is eligible unless a people provider says who there is."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals import people_provider
from airflow_release_plugin.airflow_internals.access import AirflowAccess
from airflow_release_plugin.airflow_internals.actors import actor_from_user, resolve
from airflow_release_plugin.airflow_internals.factory import build_airflow
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.exceptions import InvalidRequestError, UnavailableError
from airflow_release_plugin.services.approvals import flow_admin, flows
from airflow_release_plugin.services.runtime.context import Context, Settings
from airflow_release_plugin.store.memory import memory_store
from tests.harness import own_auth_manager
from tests.harness.own_auth_manager import OwnUser

pytestmark = [
    pytest.mark.req("R36"),
    pytest.mark.filterwarnings("ignore:Using `httpx` with"),  # Airflow imports Starlette's test client
]
ANN = {"id": "u-1", "name": "ann", "roles": ["author"]}
EVE = SimpleNamespace(id="u-2", name="eve", roles=["approver"], display_name="Eve E.")
EVE_LOGGED_IN = OwnUser("u-2", "eve", ["author", "approver"])


@pytest.fixture(autouse=True)
def manager(monkeypatch: pytest.MonkeyPatch, session: Session) -> Iterator[Any]:
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app

    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "tests.harness.own_auth_manager.OwnAuthManager")
    monkeypatch.setenv("AIRFLOW__RELEASE__DEFAULT_FLOW_ROLES", "approver")
    monkeypatch.setenv("AIRFLOW__RELEASE__FLOW_ADMIN_ROLES", "author")
    purge_cached_app()
    made = create_auth_manager()
    made.init()
    yield made
    purge_cached_app()


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What the configured provider answers."""
    monkeypatch.setenv("AIRFLOW__RELEASE__PEOPLE_PROVIDER", "tests.harness.own_auth_manager:list_people")
    people_provider.forget()
    own_auth_manager.DIRECTORY[:] = [ANN, EVE]
    own_auth_manager.asked.clear()
    yield own_auth_manager.DIRECTORY
    own_auth_manager.DIRECTORY.clear()
    people_provider.forget()


@pytest.fixture
def ctx(session: Session) -> Context:
    return Context(session, memory_store(), build_airflow(session, user=EVE_LOGGED_IN), Settings())


def test_without_a_provider_nobody_is_eligible_and_the_message_says_what_to_set(ctx: Context) -> None:
    assert ctx.airflow.access.people() == ()
    with pytest.raises(InvalidRequestError, match=r"set \[release\] people_provider"):
        flows.resolve(ctx, subject="release 'x'", excluded=())
    raw = {
        "name": "A",
        "kind": "promotion",
        "levels": [{"name": "l", "steps": [{"name": "n", "roles": ["x"]}]}],
    }
    with pytest.raises(InvalidRequestError, match=r"set \[release\] people_provider"):
        flow_admin.create(ctx, actor=actor_from_user(EVE_LOGGED_IN), raw=raw)


def test_without_a_provider_roles_are_those_of_the_token() -> None:
    assert actor_from_user(EVE_LOGGED_IN).roles == {"author", "approver"}


@pytest.mark.usefixtures("directory")
def test_with_a_provider_those_who_hold_the_role_are_eligible(ctx: Context) -> None:
    (step,) = flows.resolve(ctx, subject="release 'x'", excluded=()).requirement.steps

    assert step.eligible == (Person("u-2", "eve", frozenset({"approver"}), "Eve E."),)
    assert ctx.airflow.access.person("u-1") == Person("u-1", "ann", frozenset({"author"}))
    assert ctx.airflow.access.person("u-9") is None


@pytest.mark.usefixtures("directory")
async def test_with_a_provider_roles_are_those_of_this_moment_and_not_of_the_token(manager: Any) -> None:
    token = manager.generate_jwt(EVE_LOGGED_IN)

    actor, user = await resolve(token)

    assert actor == Actor("u-2", "eve", frozenset({"approver"}))
    assert user.get_id() == "u-2"


@pytest.mark.usefixtures("directory")
def test_who_is_not_in_the_directory_has_no_roles() -> None:
    assert actor_from_user(OwnUser("u-9", "eve", ["approver"])).roles == frozenset()


def test_the_auth_manager_still_decides_on_dags(session: Session, directory: list[Any]) -> None:
    access = AirflowAccess(session, EVE_LOGGED_IN)

    assert access.may(actor_from_user(EVE_LOGGED_IN), DagAccess.EDIT, "etl")
    assert not access.may(Actor("u-1", "ann", frozenset()), DagAccess.EDIT, "etl")


@pytest.mark.parametrize(
    "entry",
    [
        ValueError("down"),
        {"id": "u-3", "name": "x", "roles": "approver"},
        {"id": "u-3", "name": "x"},
        {"id": "", "name": "x", "roles": []},
        {"id": "u-3", "name": None, "roles": []},
        {"id": "u-3", "name": "x", "roles": 5},
        {"id": "u-1", "name": "x", "roles": []},
        "eve",
    ],
    ids=str,
)
def test_a_directory_that_fails_or_is_wrong_makes_nobody_anybody(
    session: Session, directory: list[Any], entry: Any
) -> None:
    directory.append(entry)

    with pytest.raises(UnavailableError, match=r"people_provider|same id twice") as caught:
        AirflowAccess(session).people()
    with pytest.raises(UnavailableError):
        actor_from_user(EVE_LOGGED_IN)
    assert "down" not in caught.value.message


@pytest.mark.parametrize("name", ["nowhere:list_people", "tests.harness.own_auth_manager:gone", "os"])
def test_a_provider_that_is_not_there_makes_nobody_anybody(
    session: Session, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__PEOPLE_PROVIDER", name)

    with pytest.raises(UnavailableError):
        AirflowAccess(session).people()


def test_the_directory_is_asked_once_in_half_a_minute(
    session: Session, directory: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = AirflowAccess(session)
    for _ in range(3):
        access.people()
    asked = len(own_auth_manager.asked)
    directory.remove(EVE)
    later = people_provider.time.monotonic() + 31
    monkeypatch.setattr(people_provider.time, "monotonic", lambda: later)

    assert (asked, [person.name for person in access.people()]) == (1, ["ann"])


def test_airflows_own_managers_are_not_overruled(
    session: Session, directory: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__CORE__AUTH_MANAGER")

    assert "eve" not in {person.name for person in AirflowAccess(session).people()}
    assert own_auth_manager.asked == []
