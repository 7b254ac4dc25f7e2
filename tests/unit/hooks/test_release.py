from __future__ import annotations

import pytest

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.get_provider_info import get_provider_info
from airflow_release_plugin.hooks.release import ReleaseHook
from tests.unit.client.server import connection_to

ME = {"id": "9", "name": "svc", "roles": [], "is_admin": False, "may_approve": False, "waiting": 0}
ME |= {"role": "both", "source_mode": "dev-prod"}


@pytest.mark.parametrize(("is_service", "words"), [(True, "a service user"), (False, "Pipelines need")])
def test_connection_test_says_as_whom_we_are_logged_in(server, is_service, words):
    server.script("GET", "/me", ME | {"is_service": is_service})
    ok, message = ReleaseHook().test_connection()
    assert ok
    assert "'svc'" in message
    assert words in message


def test_connection_test_with_a_wrong_password_fails_with_the_reason(server):
    with connection_to(server, password="wrong"):
        ok, message = ReleaseHook().test_connection()
    assert not ok
    assert "refused to log in" in message


def test_connection_with_an_unknown_extra_is_refused(server):
    with connection_to(server, extra='{"hook": "x"}'), pytest.raises(InvalidRequestError):
        ReleaseHook().get_conn()


def test_hook_keeps_one_client(server):
    hook = ReleaseHook()
    with hook.get_conn() as client:
        assert hook.get_conn() is client


async def test_asynchronous_client_watches(server):
    server.states["release:7"] = "approved"
    client = await ReleaseHook().get_async_conn()
    assert await client.watch({"release:7": "", "gate:1": "open"}, wait=5) == {
        "release:7": "approved",
        "gate:1": "missing",
    }
    await client.close()


def test_hook_and_provider_info_agree():
    info = get_provider_info()["connection-types"][0]
    assert info["connection-type"] == ReleaseHook.conn_type
    assert info["hook-name"] == ReleaseHook.hook_name
    assert info["hook-class-name"] == f"{ReleaseHook.__module__}.{ReleaseHook.__qualname__}"
    behaviour = {key.replace("_", "-"): value for key, value in ReleaseHook.get_ui_field_behaviour().items()}
    assert info["ui-field-behaviour"] == behaviour
