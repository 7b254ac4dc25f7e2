"""The page of a release as a review: tabs in the URL, what counts now first, ticks that changes take off."""

from __future__ import annotations

import re

import pytest

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.read_models import release_changes, release_page
from airflow_release_plugin.services.releases import checks, creation
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import World

pytestmark = pytest.mark.req("R8", "R38")

BROKEN = [CheckItem("parse", CheckStatus.FAILED, "etl.py", "ImportError: no shop")]
MARK = r'name="((?:un)?tick)" value="([^"]+)"'


def failed_once(world: World) -> Release:
    """A release whose first attempt failed, and which was tried again."""
    release = world.report(world.request(world.submit(world.dag("etl"), DEV), actor=DEV), BROKEN)
    return creation.retry(world.ctx, actor=DEV, release_id=release.id)


@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("", 'id="versions"'),
        ("changes", 'id="changes"'),
        ("structure", 'id="structure"'),
        ("checks", 'id="report-1"'),
        ("activity", 'class="timeline"'),
        ("no-such-tab", 'id="versions"'),
    ],
)
def test_each_tab_shows_its_part_alone_and_the_decision(
    installation: Installation, browser_of: Browsers, tab: str, shown: str
) -> None:
    release = installation.waiting("etl")

    page = browser_of("reviewer").get(f"/releases/{release.id}?tab={tab}").text

    parts = ('id="versions"', 'id="changes"', 'id="structure"', 'id="report-1"', 'class="timeline"')
    assert [part for part in parts if part in page] == [shown]
    assert 'data-dialog="approve"' in page
    assert 'name="change_digest"' in page


def test_the_tabs_are_links_that_say_how_much_is_behind_them(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")

    page = browser_of("reviewer").get(f"/releases/{release.id}?tab=changes").text

    bar = page[page.index('id="section-tabs"') :]
    bar = bar[: bar.index("</nav>")]
    assert re.findall(r'href="[^"]*?(?:\?tab=(\w+))?"', bar) == [
        "",
        "changes",
        "structure",
        "checks",
        "activity",
    ]
    assert 'aria-current="page">Changes' in bar
    assert "1 file" in words(bar)
    assert "1 Dag" in words(bar)


def test_markdown_of_the_description_is_rendered_and_can_do_nothing(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl", description="**Late** orders <script>alert(1)</script>")

    page = browser_of("reviewer").get(f"/releases/{release.id}").text

    assert "<strong>Late</strong> orders &lt;script&gt;" in page


def test_a_failed_attempt_is_folded_below_the_one_that_counts(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.do(failed_once)
    reader = browser_of("reviewer")
    at_work = reader.get(f"/releases/{release.id}?tab=checks").text
    assert at_work.index("Check under way") < at_work.index('<details class="earlier" id="attempt-1">')

    installation.do(lambda world: world.report(release))
    page = reader.get(f"/releases/{release.id}?tab=checks").text

    assert page.index('id="report-2"') < page.index('<details class="earlier" id="attempt-1">')
    assert page.index('id="attempt-1"') < page.index("ImportError: no shop")
    assert "ImportError" not in reader.get(f"/releases/{release.id}").text


def test_an_approval_of_an_earlier_attempt_is_folded(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    reader = browser_of("dev")
    assert "Approval of an earlier attempt" not in reader.get(f"/releases/{release.id}").text

    def again(world: World) -> None:
        checks.mark_errored(world.ctx, actor=world.task(release), release_id=release.id, reason="worker lost")
        creation.retry(world.ctx, actor=DEV, release_id=release.id)

    installation.do(again)
    page = reader.get(f"/releases/{release.id}").text

    assert page.index('<details class="earlier" id="past-approval">') < page.index('id="approval"')
    installation.do(lambda world: world.report(release))
    page = reader.get(f"/releases/{release.id}").text
    assert 'id="approval"' in page
    assert "Approval of an earlier attempt" not in page


def test_what_happened_is_told_in_words(installation: Installation, browser_of: Browsers) -> None:
    release = installation.do(failed_once)
    installation.do(lambda world: world.decide(world.report(release), REVIEWER, comment="Read it all"))

    told = words(browser_of("dev").get(f"/releases/{release.id}?tab=activity").text)

    assert "State changed" not in told
    lines = [
        "Approved Read it all reviewer",
        "Asked for approval",
        "The check of attempt 2 passed",
        "Started attempt 2",
        "The check of attempt 1 failed",
        "Attempt 1 is being checked",
        "Asked for this release dev",
    ]
    assert [line for line in lines if line not in told] == []
    assert sorted(lines, key=told.index) == lines


def marks(page: str) -> dict[str, str]:
    """The value that each button sends, by what it does."""
    return dict(re.findall(MARK, page))


def test_a_tick_is_the_readers_own_and_can_be_taken_off(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    address = f"/releases/{release.id}"
    reader, other = browser_of("reviewer"), browser_of("second")
    value = marks(reader.get(f"{address}?tab=changes").text)["tick"]

    answer = reader.post(f"{address}/viewed", {"tick": value})
    reader.post(f"{address}/viewed", {"tick": value})  # a second click changes nothing

    assert answer.location.endswith(f"{address}?tab=changes#file-1")
    page = reader.get(f"{address}?tab=changes").text
    assert marks(page) == {"untick": value}
    assert "1 of 1 viewed" in words(page)
    assert '<details class="diff-file" id="file-1">' in page
    assert marks(other.get(f"{address}?tab=changes").text) == {"tick": value}
    reader.post(f"{address}/viewed", {"untick": value})
    assert "0 of 1 viewed" in words(reader.get(f"{address}?tab=changes").text)


def test_a_changed_file_is_not_viewed_any_more(installation: Installation, browser_of: Browsers) -> None:
    def lacking(world: World) -> Release:
        world.write("lib.py", "x = 1\n")
        path = world.dag("etl", lines="import lib")
        return world.report(world.request(world.submit(path, DEV), actor=DEV), BROKEN)

    release = installation.do(lacking)
    address = f"/releases/{release.id}"
    reader = browser_of("reviewer")
    page = reader.get(f"{address}?tab=changes").text
    values = [value for _name, value in re.findall(MARK, page)]
    for value in values:
        reader.post(f"{address}/viewed", {"tick": value})
    assert "2 of 2 viewed" in words(reader.get(f"{address}?tab=changes").text)

    def another_lib_is_live(world: World) -> None:
        world.write("lib.py", "x = 2\n")
        other = world.report(
            world.request(world.submit(world.dag("other", lines="import lib"), DEV), actor=DEV)
        )
        world.promote(world.decide(other, REVIEWER))
        creation.retry(world.ctx, actor=DEV, release_id=release.id)

    installation.do(another_lib_is_live)

    page = reader.get(f"{address}?tab=changes").text
    assert "1 of 2 viewed" in words(page)
    answer = reader.post(f"{address}/viewed", {"tick": next(value for value in values if "lib.py" in value)})
    assert answer.status_code == 409
    assert "as you saw it any more" in words(answer.text)


def test_many_files_come_in_pages_and_the_tree_names_all(
    installation: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_release_plugin.views.releases import releases as page_module

    monkeypatch.setattr(release_changes, "FILES_AT_ONCE", 2)
    monkeypatch.setattr(page_module, "FILES_AT_ONCE", 2)

    def step(world: World) -> Release:
        for name in ("one", "two", "three"):
            world.write(f"shop/{name}.py", f"{name} = 1\n")
        path = world.dag("etl", lines="from shop import one, two, three")
        return world.report(world.request(world.submit(path, DEV), actor=DEV))

    release = installation.do(step)
    reader = browser_of("reviewer")
    first = reader.get(f"/releases/{release.id}?tab=changes").text
    second = reader.get(f"/releases/{release.id}?tab=changes&offset=2").text

    assert re.findall(r'class="diff-file" id="(file-\d)"', first) == ["file-1", "file-2"]
    assert re.findall(r'class="diff-file" id="(file-\d)"', second) == ["file-3", "file-4"]
    assert re.findall(r'data-tree-file="(\d)"', first) == ["1", "2", "3", "4"]
    assert "offset=2#file-3" in first
    assert "3 to 4 of 4" in words(second)


@pytest.mark.parametrize("value", ["", "1", "1:abc", "1:abc:etl.py", "x:" + "0" * 64 + ":etl.py"])
def test_a_tick_on_what_is_not_there_is_refused(
    installation: Installation, browser_of: Browsers, value: str
) -> None:
    release = installation.waiting("etl")

    assert browser_of("reviewer").post(f"/releases/{release.id}/viewed", {"tick": value}).status_code == 409


@pytest.mark.req("R15")
def test_the_structure_that_a_failed_check_could_read_is_shown_and_called_so(
    installation: Installation, browser_of: Browsers
) -> None:
    def step(world: World) -> Release:
        versions = [world.submit(world.dag(name), DEV) for name in ("etl", "broken")]
        read = {"dags": [{"dag_id": "etl", "tasks": [], "edges": []}]}
        items = [
            CheckItem("parse", CheckStatus.PASSED, "etl.py", facts=read),
            CheckItem("parse", CheckStatus.FAILED, "broken.py", "ImportError: no shop"),
        ]
        return world.report(world.request(*versions, actor=DEV), items)

    release = installation.do(step)

    page = browser_of("dev").get(f"/releases/{release.id}?tab=structure").text

    assert "v1 of etl.py is shown as a check read it that failed." in words(page)
    assert "<strong>etl</strong>" in page
    assert "The check failed before it knew the structure of v1 of broken.py." in words(page)
    assert "no check could read it" not in page


def trail(page: str) -> list[str]:
    """Kinds of the events that a page shows."""
    start = page.index('class="timeline"')
    return re.findall(r'data-event="([^"]+)"', page[start : page.index("</ol>", start)])


def test_a_long_trail_is_shown_part_by_part_the_newest_first(
    installation: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = installation.waiting("etl")
    reviewer = browser_of("reviewer")
    first = f"/releases/{release.id}?tab=activity"
    whole = reviewer.get(first).text
    monkeypatch.setattr(release_page, "EVENTS_AT_ONCE", 2)

    parts, path = [], first
    while path:
        page = reviewer.get(path).text
        parts.append(trail(page))
        assert ("Newest events" in page) == (len(parts) > 1)
        older = re.search(r'rel="next" href="[^"]*?(/releases/[^"#]*)#activity"', page)
        path = older[1].replace("&amp;", "&") if older else ""

    assert [event for part in parts for event in part] == trail(whole)
    assert len(parts) > 1
    assert {len(part) for part in parts[:-1]} == {2}
    assert "Older events" not in whole
