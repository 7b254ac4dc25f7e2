"""The API answers in the language that its caller asks for, whatever happens."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_release_plugin.api.errors import add_error_handlers
from airflow_release_plugin.api.language import SpeakToCaller
from airflow_release_plugin.domain.text.phrasing import BROKEN_INSIDE
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.languages import CHINESE, ENGLISH, said, speaking


@pytest.mark.req("R79")
@pytest.mark.parametrize("tag", [ENGLISH, CHINESE])
@pytest.mark.parametrize("error", [ConflictError(BROKEN_INSIDE), RuntimeError("nobody foresaw it")], ids=repr)
def test_every_error_is_told_in_the_language_of_the_caller(error: Exception, tag: str) -> None:
    app = FastAPI()
    app.add_middleware(SpeakToCaller)
    add_error_handlers(app)

    @app.get("/")
    def broken() -> None:
        raise error

    answer = TestClient(app, raise_server_exceptions=False).get("/", headers={"Accept-Language": tag})

    with speaking(tag):
        assert answer.json()["detail"] == said(BROKEN_INSIDE)
