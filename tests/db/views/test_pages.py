from __future__ import annotations

import re

import pytest

from tests.db.views.conftest import Browser


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
def test_an_empty_list_says_what_to_do(dev: Browser, path: str, words: str) -> None:
    answer = dev.get(path)
    assert answer.status_code == 200
    assert words in answer.text


@pytest.mark.parametrize(
    "path",
    ["/releases/7", "/approvals/gates/7", "/to-be-released/submissions/7", "/to-be-released/file?path=a.py"],
)
def test_what_does_not_exist_is_a_page_with_the_next_step(dev: Browser, path: str) -> None:
    answer = dev.get(path)
    assert answer.status_code == 404
    assert 'data-error-code="not_found"' in answer.text


@pytest.mark.parametrize("path", ["/releases/7/decide", "/discussion/7/comments", "/filters/save"])
def test_the_address_of_a_form_that_is_opened_says_what_to_do(dev: Browser, path: str) -> None:
    """As after a refusal, whose page stands at the address of the form: it is loaded again, or kept."""
    answer = dev.get(path)
    assert answer.status_code == 405
    assert "choose one of the tabs above" in answer.text


def test_a_release_of_nothing_is_refused(dev: Browser) -> None:
    assert dev.get("/releases/new").status_code == 422


def test_a_release_of_an_id_that_is_no_number_is_refused(dev: Browser) -> None:
    assert dev.get("/releases/new?submission_ids=x").status_code == 422


def test_submitting_a_file_that_is_gone_is_a_page_that_names_it(dev: Browser) -> None:
    answer = dev.post("/to-be-released/submit", {"path": "gone.py"})
    assert answer.status_code == 404
    assert "gone.py" in answer.text


def test_a_decision_that_is_neither_yes_nor_no_is_refused(dev: Browser) -> None:
    assert dev.post("/releases/7/decide", {"verdict": "maybe", "change_digest": "0" * 64}).status_code == 422


def test_a_page_shows_what_was_searched_for_without_running_it(dev: Browser) -> None:
    text = dev.get("/releases/?search=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert not re.search(r"<script>alert", text)
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    "path",
    [
        "/releases/99999999999999999999",
        "/flows/2147483648",
        "/approvals/gates/99999999999999999999",
    ],
)
def test_a_number_that_nothing_can_have_leads_nowhere(dev: Browser, path: str) -> None:
    assert dev.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/releases/?offset=99999999999999999999",
        "/to-be-released/?limit=99999999999999999999",
        "/filters/open?id=99999999999999999999&page=releases",
    ],
)
def test_a_number_that_no_column_holds_counts_as_missing(dev: Browser, path: str) -> None:
    assert dev.get(path).status_code in {200, 302}


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_text_that_no_database_keeps_is_refused_wherever_it_stands(dev: Browser) -> None:
    form = {"page": "releases", "name": "a\x00b", "query": "search=x"}
    answers = [
        dev.get("/releases/?search=a%00b"),
        dev.get("/records/dags/a%00b"),
        dev.get("/search/options?q=%00"),
        dev.post("/filters/save", form),
        dev.post("/releases/1/revoke", {"reason": "a\x00"}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
    assert all("NUL character" in answer.text for answer in answers)
