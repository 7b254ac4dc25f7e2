"""The pages of records and comparisons, and the list of releases as CSV."""

from __future__ import annotations

import csv
import re

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.models import Release
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import World
from tests.harness.databases import counted


def released(home: Installation, name: str, lines: str = "", **options: str) -> Release:
    """A release of one DAG in the target."""

    def step(world: World) -> Release:
        chosen = world.submit(world.dag(name, lines=lines), DEV)
        waiting = world.report(world.request(chosen, actor=DEV, **options))
        return world.promote(world.decide(waiting, REVIEWER))

    return home.do(step)  # type: ignore[no-any-return]


@pytest.mark.req("R15")
def test_records_lead_to_the_history_of_a_dag(installation: Installation, browser_of: Browsers) -> None:
    released(installation, "etl")
    released(installation, "etl", "x = 2")
    browser = browser_of("viewer")

    records = browser.get("/records/").text
    history = words(browser.get("/records/dags/etl").text)

    assert 'href="/release/records/dags/etl"' in records
    assert "2 versions" in words(records)
    assert "In prod now" in history
    assert "v2" in history[: history.index("2 versions of etl")]
    assert "Replaced" in history
    assert "Submitted" in history


@pytest.mark.req("R17")
def test_each_version_that_was_served_may_come_back_and_the_dag_may_be_retired(
    installation: Installation, browser_of: Browsers
) -> None:
    released(installation, "etl")
    released(installation, "etl", "x = 2")

    page = browser_of("dev").get("/records/dags/etl").text

    assert page.count("dag_id=etl&amp;version=1") == 1
    assert "dag_id=etl&amp;version=2" not in page
    assert page.count("/rollbacks/new?retire=etl") == 1


@pytest.mark.req("R15")
def test_the_tab_of_a_dag_has_the_version_in_prod_first(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    released(installation, "etl")
    installation.do(lambda w: w.submit(w.dag("etl", lines="x = 2"), DEV))

    tab = words(browser_of("viewer").get("/dags/dev.etl").text)

    assert tab.index("In prod now") < tab.index("2 versions of etl")


@pytest.mark.req("R4", "R15")
def test_two_versions_are_chosen_and_compared(installation: Installation, browser_of: Browsers) -> None:
    first = released(installation, "etl").items[0].submission
    second = released(installation, "etl", "x = 2").items[0].submission
    browser = browser_of("dev")

    answer = browser.get(f"/compare/versions?versions={first.id}&versions={second.id}")
    page = words(browser.get(f"/to-be-released/submissions/{second.id}?against={first.id}").text)

    assert answer.location.endswith(f"/submissions/{second.id}?against={first.id}#changes")
    assert "Changes against v1" in page
    assert "x = 2" in page
    assert browser.get(f"/compare/versions?versions={first.id}").status_code == 422


@pytest.mark.req("R15")
@pytest.mark.parametrize(("tab", "page"), [("", "/records/dags/etl"), ("&tab=dag", "/dags/etl")])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_comparison_of_other_than_two_goes_back_to_the_choice_which_stays(
    installation: Installation, browser_of: Browsers, tab: str, page: str, count: int
) -> None:
    ids = [released(installation, "etl", f"x = {n}").items[0].submission.id for n in range(3)][:count]
    browser = browser_of("dev")
    query = "".join(f"&versions={each}" for each in ids)

    answer = browser.get(f"/compare/versions?dag_id=etl{tab}{query}")
    shown = browser.get(answer.location.removeprefix("/release")).text

    assert answer.location.split("?")[0] == f"/release{page}"
    assert f"A comparison takes two versions; {count} {'is' if count == 1 else 'are'} ticked." in words(shown)
    assert len(re.findall(r'name="versions" value="\d+" checked', shown)) == count


@pytest.mark.req("R15")
def test_the_page_of_a_version_tells_of_every_release_that_it_was_in(
    installation: Installation, browser_of: Browsers
) -> None:
    first = installation.waiting("etl")
    row = first.items[0].submission
    installation.do(lambda w: w.decide(first, REVIEWER, Verdict.REJECT, comment="Names are wrong."))
    second = installation.do(lambda w: w.report(w.request(row, actor=DEV)))
    installation.do(lambda w: w.decide(second, REVIEWER))
    browser = browser_of("viewer")

    version = words(browser.get(f"/to-be-released/submissions/{row.id}").text)
    history = words(browser.get("/records/dags/etl").text)

    assert "2 releases" in version
    assert version.index(second.number) < version.index(first.number) < version.index("Names are wrong.")
    assert f"{first.number} Rejected" in history


@pytest.mark.req("R14")
def test_two_releases_are_compared(installation: Installation, browser_of: Browsers) -> None:
    old, new = released(installation, "etl"), released(installation, "more")

    page = words(browser_of("dev").get(f"/compare/releases/{new.id}?other={old.id}").text)

    assert f"Changes from {old.number} to {new.number}" in page
    assert "not in it" in page
    assert browser_of("dev").get(f"/compare/releases/{new.id}?other=999").status_code == 404


@pytest.mark.req("R4")
def test_folded_lines_are_fetched_from_the_same_page(
    installation: Installation, browser_of: Browsers
) -> None:
    many = "\n".join(f"c{n} = {n}" for n in range(50))
    released(installation, "etl", many)
    pending = installation.do(
        lambda w: w.submit(w.dag("etl", lines=many.replace("c40 = 40", "c40 = 0")), DEV)
    )
    browser = browser_of("dev")
    path = f"/to-be-released/submissions/{pending.id}"

    page = browser.get(path).text
    (link, *_) = re.findall(r'data-diff-lines rel="nofollow" href="/release([^"]*)"', page)
    part = browser.get(link.replace("&amp;", "&")).text

    assert "Show 38 lines" in page
    assert "c20 = 20" not in words(page)
    assert "c20 = 20" in words(part)


@pytest.mark.req("R13")
def test_the_list_of_releases_comes_as_csv(installation: Installation, browser_of: Browsers) -> None:
    released(installation, "etl", title="=cmd()")
    released(installation, "more", title="Other")
    browser = browser_of("dev")

    answer = browser.get("/releases/releases.csv?order_by=number")
    rows = list(csv.DictReader(answer.text.splitlines()))

    assert answer.headers["Content-Disposition"] == "attachment; filename=releases.csv"
    assert [(row["title"], row["state"], row["dags"], row["released_by"]) for row in rows] == [
        ("'=cmd()", "released", "etl", "reviewer"),
        ("Other", "released", "more", "reviewer"),
    ]
    narrowed = browser.get("/releases/releases.csv?search=othr&kind=promotion").text.splitlines()
    assert len(narrowed) == 2
    assert len(browser.get("/releases/releases.csv?kind=rollback").text.splitlines()) == 1


def test_pages_of_records_cost_the_same_however_many_there_are(
    installation: Installation,
    browser_of: Browsers,
) -> None:
    def cost(path: str) -> int:
        with counted(installation.world.ctx.session.get_bind()) as statements:
            browser_of("viewer").get(path)
        return len(statements)

    paths = ("/records/", "/records/dags/etl")
    released(installation, "etl")
    few = [cost(path) for path in paths]
    for number in range(5):
        released(installation, "etl", f"x = {number}")

    assert [cost(path) for path in paths] == few
