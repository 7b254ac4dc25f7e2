from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.models import Gate, Release
from airflow_release_plugin.services.runtime import unit_of_work
from airflow_release_plugin.views.web.security import USER_KEY
from tests.harness.context import World, make_world
from tests.harness.marked_language import lost_texts, speak_marked, without_marks

ROLE_OF = {"dev": "user", "viewer": "viewer", "reviewer": "op", "second": "op", "admin": "admin"}
BASE = "http://localhost/release"


class Answer(TestResponse):
    """
    What a browser gets; its page is read as browsers do: how the template is laid out does not count.

    It was asked for in a language that marks each text, which shows whether all of it can be translated.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.mimetype not in {"text/html", "text/csv", "application/json"}:
            return
        marked = self.get_data(as_text=True)
        if self.mimetype == "text/html":
            lost = lost_texts(marked)
            assert not lost, f"{self.request.path} shows what no catalogue can translate: {lost[:5]}"
        self.set_data(without_marks(marked))

    @property
    def text(self) -> str:
        return " ".join(super().text.split()) if self.mimetype == "text/html" else super().text


@dataclass
class Browser:
    """Somebody's browser on the pages."""

    client: FlaskClient

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.client.get(path, base_url=BASE)

    def post(self, path: str, data: dict[str, Any], **headers: str) -> Any:
        """Send a form with a token as a page hands it out."""
        sent = {"csrf_token": self.token(), **data}
        return self.client.post(path, base_url=BASE, data=sent, headers=headers)

    def token(self) -> str:
        """A form token that belongs to the session of this browser."""
        from flask_wtf.csrf import generate_csrf

        with self.client.application.test_request_context():
            from flask import session

            made = generate_csrf()
            raw = session["csrf_token"]
        self.get("/releases/")
        with self.client.session_transaction(base_url=BASE) as stored:
            stored["csrf_token"] = raw
        return str(made)


def words(page: str) -> str:
    """The text of a page."""
    return " ".join(re.sub("<[^>]*>", " ", page).split())


@pytest.fixture
def pages(own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The pages of an empty installation that knows the people of :data:`ROLE_OF`."""
    from airflow import settings

    from airflow_release_plugin.views.app import create_flask_app

    people = ",".join(f"{name}:{role}" for name, role in ROLE_OF.items())
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", people)
    speak_marked(monkeypatch)
    return create_flask_app(session=settings.Session, secret_key="a key of the tests")


class Browsers:
    """One browser for each person."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, name: str) -> Browser:
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        client = self._app.test_client()
        client.response_wrapper = Answer
        user = SimpleAuthManagerUser(username=name, role=ROLE_OF[name])
        client.environ_base["asgi.scope"] = {USER_KEY: user}
        return Browser(client)


@pytest.fixture
def browser_of(pages: Flask) -> Iterator[Browsers]:
    """Makes the browser of somebody by name."""
    return Browsers(pages)


@pytest.fixture
def dev(browser_of: Browsers) -> Browser:
    """The browser of a developer."""
    return browser_of("dev")


ACTORS = {name: Actor(name, name, frozenset({role})) for name, role in ROLE_OF.items()}
DEV, REVIEWER, ADMIN = ACTORS["dev"], ACTORS["reviewer"], ACTORS["admin"]


@dataclass
class Installation:
    """The world of the use cases behind the pages; what a step does is committed at once."""

    world: World

    def do(self, step: Callable[[World], Any]) -> Any:
        """Take one step."""
        result = step(self.world)
        self.world.ctx.session.commit()
        return result

    def waiting(self, name: str, **options: Any) -> Release:
        """A release of one DAG that awaits approval."""
        return self.do(lambda w: w.report(w.request(w.submit(w.dag(name), DEV), actor=DEV, **options)))  # type: ignore[no-any-return]

    def gate(self, dag_id: str, message: str = "") -> Gate:
        """An open gate."""
        return self.do(lambda w: w.gate(dag_id, message=message))  # type: ignore[no-any-return]


@pytest.fixture
def installation(
    pages: Flask, own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.setenv("AIRFLOW__RELEASE__DEFAULT_FLOW_ROLES", "op,admin")
    monkeypatch.setenv("AIRFLOW__RELEASE__SERVICE_USERS", "pipeline")
    with Session(own_engine, expire_on_commit=False) as session:
        world = make_world(session, tmp_path / "source", lambda: datetime.now(timezone.utc))
        world.twin.users.clear()
        world.twin.users.update({a.id: _person(a) for a in ACTORS.values()})
        monkeypatch.setattr(unit_of_work, "build_airflow", lambda _session, user=None: world.twin.ports())
        yield Installation(world)


def _person(actor: Actor) -> Any:
    return Person(actor.id, actor.name, actor.roles)
