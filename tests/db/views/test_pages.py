from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from airflow_release_plugin.views.security import USER_KEY


def environment(name: str, role: str) -> dict[str, Any]:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return {"asgi.scope": {USER_KEY: SimpleAuthManagerUser(username=name, role=role)}}


@pytest.fixture
def client(own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A browser of user ``dev`` on an empty installation."""
    from airflow import settings

    from airflow_release_plugin.views.app import create_flask_app

    monkeypatch.setenv("AIRFLOW__RELEASE__STORE_PATH", str(tmp_path / "store.git"))
    app = create_flask_app(session=settings.Session, secret_key="a key of the tests")
    client = app.test_client()
    client.environ_base.update(environment("dev", "user"))
    with client:
        yield client


def token(client: FlaskClient) -> str:
    """A form token as a page hands it out."""
    from flask_wtf.csrf import generate_csrf

    with client.application.test_request_context():
        from flask import session

        made = generate_csrf()
        raw = session["csrf_token"]
    client.get("/releases/", base_url="http://localhost/release")
    with client.session_transaction(base_url="http://localhost/release") as stored:
        stored["csrf_token"] = raw
    return str(made)


def post(client: FlaskClient, path: str, data: dict[str, Any]) -> Any:
    return client.post(path, base_url="http://localhost/release", data={"csrf_token": token(client), **data})


@pytest.mark.req("R71")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/to-be-released/", "Nothing waits to be released"),
        ("/to-be-released/?search=x", "Nothing matches"),
        ("/releases/", "No release yet"),
        ("/releases/?state=failed", "Nothing matches"),
        ("/approvals/", "Nothing waits for you"),
        ("/records/", "No version was submitted yet"),
        ("/records/?search=x", "Nothing matches"),
        ("/records/dags/etl", "No version of this Dag was submitted yet"),
        ("/environment/", "No machine has looked so far"),
        ("/rollbacks/new", "Nothing was released yet"),
        ("/flows/", "No flow was made yet"),
        ("/to-be-released/?tab=shared", "No shared file differs"),
    ],
)
def test_an_empty_list_says_what_to_do(client: FlaskClient, path: str, words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert words in answer.text


@pytest.mark.parametrize(
    "path",
    ["/releases/7", "/approvals/gates/7", "/to-be-released/submissions/7", "/to-be-released/file?path=a.py"],
)
def test_what_does_not_exist_is_a_page_with_the_next_step(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert 'data-error-code="not_found"' in answer.text


def test_a_release_of_nothing_is_refused(client: FlaskClient) -> None:
    assert client.get("/releases/new").status_code == 422


def test_a_release_of_an_id_that_is_no_number_is_refused(client: FlaskClient) -> None:
    assert client.get("/releases/new?submission_ids=x").status_code == 422


def test_submitting_a_file_that_is_gone_is_a_page_that_names_it(client: FlaskClient) -> None:
    answer = post(client, "/to-be-released/submit", {"path": "gone.py"})
    assert answer.status_code == 404
    assert "gone.py" in answer.text


def test_a_decision_that_is_neither_yes_nor_no_is_refused(client: FlaskClient) -> None:
    assert (
        post(client, "/releases/7/decide", {"verdict": "maybe", "change_digest": "0" * 64}).status_code == 422
    )


def test_a_page_shows_what_was_searched_for_without_running_it(client: FlaskClient) -> None:
    text = client.get("/releases/?search=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert not re.search(r"<script>alert", text)
    assert "&lt;script&gt;alert(1)" in text
