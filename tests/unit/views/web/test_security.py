from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from airflow_release_plugin.views.app import create_flask_app
from airflow_release_plugin.views.mount import derived_key
from tests.unit.views.conftest import NoSession

POSTS = [
    "/filters/save",
    "/filters/1/delete",
    "/to-be-released/preview",
    "/to-be-released/submit",
    "/to-be-released/undo",
    "/to-be-released/submissions/1/remove",
    "/to-be-released/remove",
    "/transfers/exports",
    "/transfers/exports/1/discard",
    "/transfers/exports/1/retry",
    "/transfers/match",
    "/transfers/imports/begin",
    "/transfers/imports/upload",
    "/transfers/imports/1/append",
    "/transfers/imports/1/complete",
    "/transfers/imports/1/discard",
    "/transfers/imports/1/check",
    "/transfers/imports/1/placeholders",
    "/transfers/imports/1/apply",
    "/releases/create",
    "/rollbacks/create",
    "/discussion/1/comments",
    "/discussion/1/comments/1/edit",
    "/discussion/1/comments/1/delete",
    "/discussion/1/threads",
    "/discussion/1/threads/1/resolve",
    "/discussion/1/threads/1/reopen",
    "/releases/1/decide",
    "/releases/1/revoke",
    "/releases/1/add-files",
    "/releases/1/retry",
    "/releases/1/run",
    "/releases/1/viewed",
    "/releases/1/break-glass",
    "/releases/1/emergencies/1/review",
    "/approvals/decide",
    "/approvals/gates/1/decide",
    "/notifications/1/retry",
    "/notifications/read",
    "/notifications/ways",
    "/environment/verify",
    "/environment/repair",
    "/environment/hold/set",
    "/environment/hold/lift",
    "/environment/adopt",
    "/environment/mirror/overwrite",
    "/environment/forget",
    "/environment/drift/create",
    "/flows/draft",
    "/flows/preview",
    "/flows/create",
    "/flows/delete",
    "/flows/enabled",
    "/flows/order",
    "/flows/1/update",
    "/flows/1/enabled",
    "/reviewers/deputies",
    "/reviewers/deputies/1/end",
]


def page_routes(app: Flask, method: str) -> list[str]:
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.endpoint.endswith("static")
    ]


def _example(rule: str) -> str:
    """An address that the route answers."""
    return re.sub(r"<[^>]+>", "en", re.sub(r"<int:[^>]+>", "1", rule))


def test_the_list_of_forms_in_this_file_is_complete(flask_app: Flask) -> None:
    assert {_example(rule) for rule in page_routes(flask_app, "POST")} == set(POSTS)


def test_a_page_without_a_user_leads_to_the_login_of_airflow_and_back(client: FlaskClient) -> None:
    answer = client.get("/releases/?search=a%20b", environ_overrides={"SCRIPT_NAME": "/release/ui"})
    target = urlsplit(answer.location)
    assert (answer.status_code, target.netloc, target.path) == (302, "", "/api/v2/auth/login")
    assert parse_qs(target.query) == {"next": ["/release/ui/releases/?search=a%20b"]}


def test_the_login_of_an_airflow_behind_a_path_is_under_that_path() -> None:
    app = create_flask_app(session=NoSession(), secret_key="k", root_path="/team")
    answer = app.test_client().get("/releases/", environ_overrides={"SCRIPT_NAME": "/team/release/ui"})
    assert answer.location.startswith("/team/api/v2/auth/login?next=%2Fteam%2Frelease%2Fui%2Freleases")


def test_every_page_needs_a_user(flask_app: Flask, client: FlaskClient) -> None:
    for rule in page_routes(flask_app, "GET"):
        assert client.get(_example(rule)).status_code == 302, rule


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_a_user_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 401
    assert "/api/v2/auth/login" in answer.text


def test_a_background_request_without_a_user_is_refused_and_not_led_elsewhere(client: FlaskClient) -> None:
    assert client.get("/approvals/", headers={"Sec-Fetch-Dest": "empty"}).status_code == 401


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_a_token_changes_nothing(client: FlaskClient, as_user: Any, path: str) -> None:
    answer = client.post(path, environ_overrides=as_user("dev"))
    assert answer.status_code == 403
    assert 'data-error-code="csrf"' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_another_site_is_refused_before_its_token_is_looked_at(
    client: FlaskClient, as_user: Any, headers: dict[str, str]
) -> None:
    answer = client.post("/releases/1/revoke", environ_overrides=as_user("dev"), headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


def test_a_page_that_does_not_exist_says_so(client: FlaskClient, as_user: Any) -> None:
    answer = client.get("/nowhere", environ_overrides=as_user("dev"))
    assert answer.status_code == 404
    assert 'data-error-code="not_found"' in answer.text


def test_the_session_cookie_is_ours_and_stays_below_release(client: FlaskClient, as_user: Any) -> None:
    cookie = client.get("/nowhere", environ_overrides=as_user("dev")).headers["Set-Cookie"]
    assert cookie.startswith("airflow_release_session=")
    assert {"HttpOnly", "Path=/release", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_the_session_cookie_is_secure_over_https(client: FlaskClient, as_user: Any) -> None:
    answer = client.get("/nowhere", base_url="https://localhost", environ_overrides=as_user("dev"))
    assert "Secure" in answer.headers["Set-Cookie"].split("; ")


def test_another_user_in_the_same_browser_starts_with_a_new_session(
    client: FlaskClient, as_user: Any
) -> None:
    client.get("/nowhere", environ_overrides=as_user("dev"))
    with client.session_transaction(base_url="http://localhost/release") as stored:
        stored["left"] = "behind"
    client.get("/nowhere", base_url="http://localhost/release", environ_overrides=as_user("reviewer"))
    with client.session_transaction(base_url="http://localhost/release") as stored:
        assert stored.get("left") is None


def test_every_answer_forbids_foreign_scripts_and_frames(client: FlaskClient, as_user: Any) -> None:
    headers = client.get("/nowhere", environ_overrides=as_user("dev")).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_our_key_is_not_the_secret_of_airflow() -> None:
    assert derived_key("secret") == derived_key("secret") != derived_key("other")
    assert "secret" not in derived_key("secret")
