from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from flask import Flask

from airflow_release_plugin import views
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import ApprovalState, GateState, ReleaseState, SubmissionState
from airflow_release_plugin.views.widgets import presentation
from airflow_release_plugin.views.widgets.icons import SHAPES
from airflow_release_plugin.views.widgets.labels import EVENT_LABELS, STATE_LOOKS

FOLDER = Path(str(views.__file__)).parent
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
STATIC = sorted((FOLDER / "static").iterdir())
STYLE = "".join(file.read_text() for file in STATIC if file.suffix == ".css")


@pytest.mark.parametrize("state", [*ReleaseState, *SubmissionState, *ApprovalState, *GateState])
def test_every_state_has_words_a_colour_and_an_icon(state: ReleaseState) -> None:
    _label, tone, icon = STATE_LOOKS[state.value]
    assert f".tone-{tone}" in STYLE or tone == "gray"
    assert icon in SHAPES


def test_every_event_has_words() -> None:
    assert set(EVENT_LABELS) == {tag.value for tag in EventTag}


def test_an_unknown_state_shows_its_name() -> None:
    assert presentation.state_look("up_for_retry")["label"] == "up for retry"


def test_a_filter_goes_back_to_the_first_page_and_keeps_the_others(flask_app: Flask) -> None:
    with flask_app.test_request_context("/releases/?search=a&offset=50"):
        assert presentation.here(state="failed") == "/releases/?search=a&state=failed"
        assert presentation.here(search=None, offset=100) == "/releases/?offset=100"


@pytest.mark.parametrize(
    ("query", "link", "state"),
    [
        ("", "/releases/?order_by=title", "none"),
        ("?order_by=title", "/releases/?order_by=-title", "ascending"),
        ("?order_by=-title", "/releases/?order_by=title", "descending"),
    ],
)
def test_a_column_sorts_one_way_then_the_other(flask_app: Flask, query: str, link: str, state: str) -> None:
    with flask_app.test_request_context(f"/releases/{query}"):
        assert (presentation.sort_link("title"), presentation.sort_state("title")) == (link, state)


def test_links_to_airflow_keep_the_path_of_the_proxy(flask_app: Flask) -> None:
    with flask_app.test_request_context("/releases/", environ_overrides={"SCRIPT_NAME": "/team/release/ui"}):
        assert presentation.airflow_url("dags/etl") == "/team/dags/etl"


def test_times_are_in_utc_whatever_they_came_in() -> None:
    assert presentation.iso(datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)) == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_templates_need_no_internet_and_no_inline_code(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"https?://", text)
    assert not re.search(r'<\w[^>{%]*\s(?:on[a-z]+|style)="', text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert text.count('method="post"') == text.count('name="csrf_token"')


def test_every_style_sheet_and_script_is_on_a_page() -> None:
    pages = "".join(template.read_text() for template in TEMPLATES)
    for file in STATIC:
        name = {".css": file.stem, ".js": file.name}.get(file.suffix)
        assert name is None or re.search(f"[\"']{re.escape(name)}[\"']", pages), file.name


def test_styles_and_scripts_need_no_internet() -> None:
    for file in STATIC:
        assert not re.search(r"https?://(?!www\.w3\.org/)", file.read_text()), file.name
