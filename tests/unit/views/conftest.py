from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from airflow_release_plugin.views.web.security import USER_KEY


class NoSession:
    """Stands where Airflow's scoped session is in a request that never asks the database."""

    def remove(self) -> None:
        """Nothing to give back."""


@pytest.fixture(scope="session")
def flask_app() -> Flask:
    from airflow_release_plugin.views.app import create_flask_app

    return create_flask_app(session=NoSession(), secret_key="a key of the tests", root_path="")


@pytest.fixture
def as_user() -> Any:
    """Makes the WSGI environment of a request by a user of the simple auth manager."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def environment(name: str, role: str = "user") -> dict[str, Any]:
        return {"asgi.scope": {USER_KEY: SimpleAuthManagerUser(username=name, role=role)}}

    return environment


@pytest.fixture
def client(flask_app: Flask) -> FlaskClient:
    return flask_app.test_client()
