"""The page of exports: for whom it is, and what it says at each step."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.services.exports import job
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.views.conftest import Browser, Browsers
from tests.harness.clock import FrozenClock
from tests.harness.context import make_world

pytestmark = [pytest.mark.req("R50", "R51", "R57"), pytest.mark.usefixtures("released")]


@pytest.fixture
def released(
    pages: Flask,
    session_factory: sessionmaker[Session],
    tmp_path: Path,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Flask:
    """``orders`` and ``invoices`` are in the target, and there is a signing key."""
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", str(tmp_path / "keys"))
    KeyFolder(tmp_path / "keys").generate()
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        world.released(world.dag("orders"), world.dag("invoices"))
        session.commit()
    return pages


def generate(browser: Browser, names: str) -> str:
    answer = browser.post("/transfers/exports", {"names": names, "origin": "target"})
    assert answer.status_code == 302, answer.text
    return str(browser.get(answer.location.partition("/release")[2] or answer.location).text)


def test_owners_find_it_in_the_navigation_and_viewers_do_not(browser_of: Browsers) -> None:
    assert "Transfers" in browser_of("dev").get("/releases/").text
    assert "Transfers" not in browser_of("viewer").get("/releases/").text
    assert browser_of("viewer").get("/transfers/").status_code == 403


def test_nobody_finds_it_where_exports_are_off(browser_of: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__EXPORTS_ENABLED", "False")
    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORTS_ENABLED", "False")
    browser = browser_of("admin")

    assert "Transfers" not in browser.get("/releases/").text
    assert browser.get("/transfers/").status_code == 403


def test_a_missing_key_is_said_before_anything_is_chosen(browser_of: Browsers, tmp_path: Path) -> None:
    KeyFolder(tmp_path / "keys").signing_file.unlink()

    assert "airflow release keys generate" in browser_of("dev").get("/transfers/").text


def test_what_is_typed_is_matched_and_near_names_are_offered(browser_of: Browsers) -> None:
    part = browser_of("dev").post("/transfers/match", {"names": "orders\r\n\tordrs \r\n"}).text

    assert "1 Dag found" in part
    assert "1 name not found" in part
    assert re.search(r'data-replace="ordrs" data-by="orders"', part)


def test_201_names_are_refused_in_words(browser_of: Browsers) -> None:
    names = "\n".join(f"dag_{number}" for number in range(201))

    assert "201 Dags are named" in browser_of("dev").post("/transfers/match", {"names": names}).text


def test_a_name_that_is_not_found_keeps_what_was_typed(browser_of: Browsers) -> None:
    answer = browser_of("dev").post("/transfers/exports", {"names": "ordrs", "origin": "target"})

    assert answer.status_code == 422
    assert "did you mean orders?" in answer.text
    assert ">ordrs</textarea>" in answer.text


def test_a_bundle_is_made_offered_and_offered_again(browser_of: Browsers) -> None:
    browser = browser_of("dev")
    waiting = generate(browser, "orders")
    assert "<progress" in waiting
    assert "data-live=" in waiting

    job.run_once()

    for page in (browser.get("/transfers/").text, browser.get("/transfers/?export=1").text):
        assert "Last bundle generated" in page
        assert 'href="/release/api/v1/exports/1/file" target="_blank"' in page
        assert ">orders</textarea>" in page
    assert "orders</textarea>" not in browser_of("reviewer").get("/transfers/").text


def test_a_bundle_that_was_discarded_is_offered_no_more(browser_of: Browsers) -> None:
    browser = browser_of("dev")
    generate(browser, "orders")
    job.run_once()

    browser.post("/transfers/exports/1/discard", {})

    page = browser.get("/transfers/").text
    assert "The file is gone" in page
    assert "/file" not in page


@pytest.mark.req("R89")
def test_one_that_errored_says_why_and_is_made_again(
    browser_of: Browsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of("admin")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    generate(browser, "orders")
    job.run_once()
    page = browser.get("/transfers/").text
    assert "No bundle can be written" in page
    assert "Retry export 1?" in page

    (tmp_path / "missing").mkdir()
    assert browser.post("/transfers/exports/1/retry", {}).status_code == 302
    job.run_once()

    page = browser.get("/transfers/").text
    assert "Retry export 1?" not in page
    assert "/exports/1/file" in page
