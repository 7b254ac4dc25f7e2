"""Home: what people see when they open the section."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words

pytestmark = pytest.mark.req("R90", "R71")


def part(page: str, name: str) -> str:
    """The words of one card of the page."""
    return words(page.partition(f'<section class="card" id="{name}">')[2].partition("</section>")[0])


def test_an_empty_home_teaches_what_to_do(browser_of: Browsers, installation: Installation) -> None:
    page = browser_of("dev").get("/").text

    assert 'href="/release/" aria-current="page">Home' in page
    assert "Nothing was submitted here yet. This is how a Dag gets out:" in page
    assert 'href="/release/to-be-released/">To be released' in page
    assert "Releases, gates and imports that you may decide on appear here." in part(page, "waiting")
    assert "Nothing is on its way." in part(page, "moving")
    assert "Nothing failed." in part(page, "stopped")
    assert "Nothing went out since this time yesterday." in part(page, "landed")
    assert "None is planned." in part(page, "freeze")
    assert "No machine has looked so far." in part(page, "drift")


@pytest.mark.parametrize(
    ("setting", "value", "said", "unsaid"),
    [
        ("ROLE", "target", "An admin brings Dags here as bundles", "drift-is-shown"),
        ("ROLE", "source", "This is how a Dag gets out", 'id="drift"'),
        ("SOURCE_MODE", "basic", "This is how a Dag gets out", "name somebody who reviews it"),
    ],
)
def test_the_first_steps_are_those_of_the_installation(
    browser_of: Browsers,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str,
    said: str,
    unsaid: str,
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORTS_ENABLED", "False")
    monkeypatch.setenv(f"AIRFLOW__RELEASE__{setting}", value)

    page = browser_of("dev").get("/").text

    assert said in page
    assert unsaid not in page


def test_each_release_is_where_its_state_puts_it(browser_of: Browsers, installation: Installation) -> None:
    installation.waiting("waits", title="For the reviewer")
    installation.do(lambda w: w.decide(w.waiting(w.dag("no")), REVIEWER, Verdict.REJECT, comment="<b>No</b>"))
    released = installation.do(lambda w: w.released(w.dag("out")))
    installation.do(lambda w: w.twin.started.clear())
    installation.gate("out", message="Go?")

    page = browser_of("reviewer").get("/").text
    waiting = part(page, "waiting")
    assert "2 decisions wait for you" in waiting
    assert "For the reviewer" in waiting
    assert "+4 −0" in waiting
    assert "Nothing is on its way" in part(page, "moving")
    assert "Rejected by reviewer: &lt;b&gt;No&lt;/b&gt;" in part(page, "stopped")
    assert released.number in part(page, "landed")
    assert "Nothing was submitted" not in page

    page = browser_of("dev").get("/").text
    assert "Nothing waits for you" in part(page, "waiting")
    assert "For the reviewer" in part(page, "moving")
    assert "waits for Release approval" in part(page, "moving")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda w: w.request(w.submit(w.dag("etl"), DEV), actor=DEV), "0 of 1 checked"),
        (lambda w: w.approved(w.dag("etl")), "goes out next"),
        (lambda w: w.released(w.dag("etl")), "0 of 1 served"),
    ],
)
def test_how_far_it_is_is_said_and_the_page_looks_again(
    browser_of: Browsers, installation: Installation, step: Callable[..., object], said: str
) -> None:
    installation.do(step)

    page = browser_of("dev").get("/").text

    assert said in part(page, "moving")
    assert 'data-live="/release/" data-live-seconds="4"' in page


def test_more_than_fits_is_a_link_to_the_list(browser_of: Browsers, installation: Installation) -> None:
    for number in range(11):
        installation.waiting(f"dag{number}")

    page = browser_of("reviewer").get("/").text
    assert '<a class="link" href="/release/approvals/">All 11 that wait for you</a>' in page
    page = browser_of("dev").get("/").text
    assert '<a class="link" href="/release/releases/">More in the list of releases</a>' in page


def test_drift_is_on_the_page(browser_of: Browsers, installation: Installation) -> None:
    installation.do(lambda w: w.released(w.dag("etl")))
    installation.do(lambda w: w.move_by_hand())

    assert "The branch was moved by hand" in part(browser_of("viewer").get("/").text, "drift")
