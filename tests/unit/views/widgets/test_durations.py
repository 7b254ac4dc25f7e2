from __future__ import annotations

import pytest
from flask import Flask

from airflow_release_plugin.views.widgets.durations import duration

pytestmark = pytest.mark.req("R78")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "under 1 min"),
        (59, "under 1 min"),
        (240, "4 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (86400, "1 d"),
        (190800, "2 d 5 h"),
    ],
)
def test_durations_are_said_as_people_do(flask_app: Flask, seconds: int | None, words: str) -> None:
    with flask_app.test_request_context():
        assert duration(seconds) == words
