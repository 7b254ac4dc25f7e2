"""The API answers in the language that its caller asks for, whatever happens."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_release_plugin.api.errors import add_error_handlers
from airflow_release_plugin.api.language import SpeakToCaller
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.text.phrasing import BROKEN_INSIDE
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.languages import CHINESE, ENGLISH, said, speaking
from airflow_release_plugin.models import Event
from airflow_release_plugin.schemas.event import EventResponse


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


def test_an_event_is_told_in_the_words_that_its_hash_covers() -> None:
    event = Event(sequence=1, time=datetime.now(timezone.utc), tag=EventTag.RELEASE_MOVED, hash="0" * 64)
    event.actor_id, event.actor_name, event.subject = "1", "dev", "release:1"
    event.data = {"reason": BROKEN_INSIDE}

    with speaking(CHINESE):
        assert EventResponse.model_validate(event).data == {"reason": str(BROKEN_INSIDE)}
