from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_release_plugin.airflow_internals.actors import actor_from_user
from airflow_release_plugin.exceptions import NotAuthenticatedError

pytestmark = pytest.mark.req("R36")


@pytest.fixture(autouse=True)
def _another_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    # Any class that is neither of Airflow's two; it is never constructed.
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "types.SimpleNamespace")


def user(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(get_id=lambda: 7, get_name=lambda: "ann", **attributes)


def access_token(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.x"


@pytest.mark.parametrize(
    ("attributes", "roles"),
    [
        ({"get_roles": lambda: ["a", "b"]}, {"a", "b"}),
        ({"roles": [SimpleNamespace(name="a")]}, {"a"}),
        ({"role": "a"}, {"a"}),
        ({"get_groups": lambda: ["a"]}, {"a"}),
        ({"access_token": access_token({"realm_access": {"roles": ["a"]}})}, {"a"}),
        ({"access_token": access_token({"other": 1})}, set()),
        ({"access_token": "x.%%%.x"}, set()),
        ({}, set()),
    ],
)
def test_roles_are_found_where_auth_managers_put_them(attributes: dict[str, Any], roles: set[str]) -> None:
    actor = actor_from_user(user(**attributes))

    assert (actor.id, actor.name, actor.roles) == ("7", "ann", roles)


def test_a_user_without_an_id_is_nobody() -> None:
    with pytest.raises(NotAuthenticatedError):
        actor_from_user(SimpleNamespace(get_id=lambda: None, get_name=lambda: ""))
