from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from airflow_release_plugin.views.security import USER_KEY

ROLE_OF = {"dev": "user", "viewer": "viewer", "reviewer": "op", "second": "op", "admin": "admin"}
BASE = "http://localhost/release"


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


@pytest.fixture
def pages(own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The pages of an empty installation that knows the people of :data:`ROLE_OF`."""
    from airflow import settings

    from airflow_release_plugin.views.app import create_flask_app

    people = ",".join(f"{name}:{role}" for name, role in ROLE_OF.items())
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", people)
    monkeypatch.setenv("AIRFLOW__RELEASE__STORE_PATH", str(tmp_path / "store.git"))
    return create_flask_app(session=settings.Session, secret_key="a key of the tests")


class Browsers:
    """One browser for each person."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, name: str) -> Browser:
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        client = self._app.test_client()
        user = SimpleAuthManagerUser(username=name, role=ROLE_OF[name])
        client.environ_base["asgi.scope"] = {USER_KEY: user}
        return Browser(client)


@pytest.fixture
def browser_of(pages: Flask) -> Iterator[Browsers]:
    """Makes the browser of somebody by name."""
    return Browsers(pages)
