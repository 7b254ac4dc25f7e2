from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from airflow_release_plugin.views.web.static_files import static_file


def address_of(app: Flask, name: str) -> str:
    with app.test_request_context():
        return static_file(name)


def get(client: FlaskClient, address: str) -> TestResponse:
    return client.get(address, buffered=True)


def test_a_browser_asks_for_a_file_once_for_each_content(flask_app: Flask, client: FlaskClient) -> None:
    answer = get(client, address_of(flask_app, "common.js"))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "address", ["/static/common.js", "/static/common.js?v=", "/static/common.js?v=another"]
)
def test_a_browser_looks_again_at_a_file_that_may_be_another_one(client: FlaskClient, address: str) -> None:
    answer = get(client, address)
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["none.js?v=", "../app.py?v=1"])
def test_what_is_not_there_is_not_kept(client: FlaskClient, name: str) -> None:
    answer = get(client, f"/static/{name}")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_the_address_of_a_file_that_is_not_there_is_an_error(flask_app: Flask) -> None:
    with pytest.raises(KeyError):
        address_of(flask_app, "none.js")
