"""The page of insights, its charts and downloads."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timezone
from xml.etree import ElementTree

import pytest

from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.models import Release
from tests.db.views.conftest import DEV, REVIEWER, Browser, Browsers, Installation, words
from tests.harness.context import World
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R78")


def released(home: Installation, name: str, lines: str = "") -> Release:
    """A release of one DAG in the target."""

    def step(world: World) -> Release:
        chosen = world.submit(world.dag(name, lines=lines), DEV)
        return world.promote(world.decide(world.report(world.request(chosen, actor=DEV)), REVIEWER))

    return home.do(step)  # type: ignore[no-any-return]


def test_an_empty_page_says_what_it_will_show_and_how_to_begin(dev: Browser) -> None:
    page = words(dev.get("/insights/").text)

    assert "submit a Dag under To be released" in page
    assert "0 releases reached prod" in page


def test_the_figures_stand_beside_those_of_the_period_before(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "etl")
    released(installation, "etl", "x = 2")

    page = words(browser_of("viewer").get("/insights/").text)

    assert "2 releases reached prod" in page
    assert "Release frequency 0.5 a week 2 releases in the period better before: 0 a week" in page
    assert "Change failure rate 0 % 0 of 2 releases nothing to compare with" in page
    assert "Lead time under 1 min nine of ten within under 1 min nothing to compare with" in page
    assert "default Release approval 2 under 1 min" in page
    assert "reviewer 2 under 1 min" in page


def test_each_chart_is_a_named_picture_with_its_table_and_nothing_that_the_policy_forbids(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "etl")

    answer = browser_of("viewer").get("/insights/")
    charts = re.findall(r'<svg class="chart".*?</svg>', answer.text)

    assert len(charts) == 3  # nothing failed, so there is no time to restore
    for chart in charts:
        svg = ElementTree.fromstring(chart)
        assert svg.find("title") is not None
        assert svg.get("viewBox")
        assert svg.findall(".//rect/title")
    assert not re.search(r'<svg[^>]*>.*?(?:style=|<style|<script|fill="#|font-family)', "".join(charts))
    assert answer.text.count("<summary>Table</summary>") == 4


def test_filters_stay_in_the_address_and_narrow_everything(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "etl")
    released(installation, "other")
    browser = browser_of("viewer")

    page = browser.get("/insights/?days=90&dag_id=dev.etl&by=owner").text

    assert "1 release reached prod" in words(page)
    assert "airflow 1 0" in words(page)
    assert 'href="/release/insights/?days=7&amp;dag_id=dev.etl&amp;by=owner"' in page
    assert (
        'href="/release/insights/insights.csv?days=90&amp;dag_id=dev.etl&amp;by=owner&amp;table=trend"'
        in page
    )
    assert "Remove a filter" in words(browser.get("/insights/?tag=nothing").text)


@pytest.mark.parametrize("table", ["trend", "breakdown", "steps", "people"])
def test_each_table_comes_as_csv(installation: Installation, browser_of: Browsers, table: str) -> None:
    released(installation, "etl")

    answer = browser_of("viewer").get(f"/insights/insights.csv?table={table}&days=7")
    rows = list(csv.DictReader(answer.text.splitlines()))

    assert answer.headers["Content-Disposition"] == f"attachment; filename=insights-{table}.csv"
    if table == "trend":
        assert len(rows) == 7
        assert rows[-1]["first_day"] == datetime.now(timezone.utc).date().isoformat()
        assert (rows[-1]["released"], rows[-1]["failure_rate"], rows[0]["failure_rate"]) == ("1", "0.0", "")
    else:
        assert len(rows) == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2000-01-01&to=2026-01-01", "Choose a later first day"),
        ("from=2026-02-01&to=2026-01-01", "swap the two days"),
        ("from=0001-01-01", "from 1970-01-01 on"),
        ("from=9999-12-31", "Choose an earlier day"),
        ("from=yesterday", "is no day"),
        ("days=99999999999999999999", "Choose a later first day"),
    ],
)
def test_a_period_that_makes_no_sense_is_a_page_with_what_to_do(dev: Browser, query: str, said: str) -> None:
    answer = dev.get(f"/insights/?{query}")

    assert answer.status_code == 422
    assert said in words(answer.text)


@pytest.mark.parametrize(
    "query", ["days=-3", "days=x", "to=1999-12-31", "days=3653", "by=x", "to=9999-12-31"]
)
def test_whatever_else_is_asked_is_answered(dev: Browser, query: str) -> None:
    assert dev.get(f"/insights/?{query}").status_code == 200


def test_a_person_sees_neither_figures_nor_names_of_what_they_may_not_read(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "etl")
    secret = installation.do(lambda w: w.write("shared.py", _TWO)) or released_file(installation, "shared.py")
    assert secret.dag_ids == ["open", "secret"]
    released(installation, "payroll")
    for name in ("secret", "dev.secret", "payroll", "dev.payroll"):
        installation.world.twin.refused.add(("viewer", DagAccess.READ, name))
    browser = browser_of("viewer")

    page = browser.get("/insights/").text

    assert "2 releases reached prod" in words(page)
    assert "open" in page
    assert "secret" not in page
    assert "payroll" not in page
    of_hidden, of_none = (browser.get(f"/insights/?dag_id={name}").text for name in ("payroll", "nodags"))
    assert of_hidden.replace("payroll", "nodags") == of_none
    assert "1 release reached prod" in words(browser_of("admin").get("/insights/?dag_id=payroll").text)


_TWO = (
    'from airflow.sdk import DAG\nwith DAG(dag_id="open"):\n    pass\nwith DAG(dag_id="secret"):\n    pass\n'
)


def released_file(home: Installation, path: str) -> Release:
    def step(world: World) -> Release:
        waiting = world.report(world.request(world.submit(path, DEV), actor=DEV))
        return world.promote(world.decide(waiting, REVIEWER))

    return home.do(step)  # type: ignore[no-any-return]


def test_the_page_costs_the_same_however_much_was_released(
    installation: Installation, browser_of: Browsers
) -> None:
    def cost(path: str) -> int:
        with counted(installation.world.ctx.session.get_bind()) as statements:
            browser_of("viewer").get(path)
        return len(statements)

    paths = ("/insights/", "/insights/?dag_id=etl&flow=default&tag=x&by=flow")
    released(installation, "etl")
    few = [cost(path) for path in paths]
    for number in range(5):
        released(installation, f"etl{number}")

    assert [cost(path) for path in paths] == few
