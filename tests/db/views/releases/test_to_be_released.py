"""The to-be-released pages: what they remember, what they refuse, what they show in each mode."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.db.views.conftest import DEV, Browser, Browsers, Installation, words
from tests.harness.context import World
from tests.harness.dev_runs import blobs, dev_run

LIST = "/to-be-released/"


def location(dev: Browser, path: str = LIST) -> str:
    return str(dev.get(path).headers.get("Location", ""))


@pytest.mark.req("R2", "R3")
def test_the_list_opens_as_it_was_left(dev: Browser) -> None:
    dev.get(f"{LIST}?tab=shared&search=orders&limit=100")

    assert location(dev).endswith("?tab=shared&search=orders&limit=100")
    assert location(dev, f"{LIST}?offset=50").endswith("limit=100&offset=50")


def test_the_filters_are_reset(dev: Browser) -> None:
    dev.get(f"{LIST}?tab=shared")
    dev.get(f"{LIST}reset")

    assert dev.get(LIST).status_code == 200


@pytest.mark.parametrize(
    ("query", "is_offered"), [("tab=shared&search=", False), ("tab=shared&search=x", True)]
)
def test_a_reset_is_offered_where_something_is_filtered(dev: Browser, query: str, is_offered: bool) -> None:
    assert ("Reset filters" in dev.get(f"{LIST}?{query}").text) is is_offered


def test_a_cleared_form_is_remembered_as_no_filter(dev: Browser) -> None:
    dev.get(f"{LIST}?search=x")
    dev.get(f"{LIST}?search=&change=")

    assert dev.get(LIST).status_code == 200


def test_everybody_has_an_own_memory(dev: Browser, browser_of: Browsers) -> None:
    dev.get(f"{LIST}?tab=shared")
    dev.client.environ_base = browser_of("reviewer").client.environ_base  # at the same computer

    assert dev.get(LIST).status_code == 200


def test_a_hostile_query_is_not_remembered(dev: Browser) -> None:
    dev.get(f"{LIST}?search={'x' * 3000}&evil=1")

    assert location(dev) == ""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{LIST}?tab=shared", "No shared file differs"),
        (f"{LIST}?tab=shared&search=x", "Nothing matches"),
        (f"{LIST}?order_by=nonsense&limit=7&offset=-3&tab=nonsense", "Nothing waits"),
    ],
)
def test_a_page_of_any_query_answers(dev: Browser, path: str, words: str) -> None:
    answer = dev.get(path)

    assert (answer.status_code, words in answer.text) == (200, True)


@pytest.mark.req("R8")
def test_a_release_of_101_versions_is_refused_in_words(dev: Browser) -> None:
    ids = "&".join(f"submission_ids={i}" for i in range(1, 102))
    answer = dev.get(f"/releases/new?{ids}")

    assert answer.status_code == 422
    assert "101 versions were chosen; a release holds at most 100" in answer.text


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("submit", {"path": [f"{i}.py" for i in range(101)]}),
        ("remove", {"submission_ids": [str(i) for i in range(101)]}),
    ],
)
def test_101_at_once_are_refused_in_words(dev: Browser, path: str, data: dict[str, Any]) -> None:
    answer = dev.post(f"{LIST}{path}", data)

    assert (answer.status_code, "101 were chosen; choose 1 to 100" in answer.text) == (422, True)


def test_what_could_not_be_done_is_said_for_each(dev: Browser) -> None:
    answer = dev.post(f"{LIST}submit", {"path": ["a.py", "b.py"]})

    assert "0 of 2 were done" in answer.text
    assert answer.text.count("not a Dag file of the source") == 2


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("source", {"to-be-released"}),
        ("target", {"to-be-released", "releases"}),
        ("both", {"to-be-released", "releases"}),
    ],
)
def test_the_role_decides_on_tabs(
    dev: Browser, monkeypatch: pytest.MonkeyPatch, role: str, shown: set[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", role)

    text = dev.get("/approvals/").text
    assert {name for name in ("to-be-released", "releases") if f'href="/release/{name}/"' in text} == shown


@pytest.mark.req("R9", "R57")
def test_without_source_and_imports_nothing_is_ever_to_be_released(
    dev: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", "target")
    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORTS_ENABLED", "False")

    assert 'href="/release/to-be-released/"' not in dev.get("/approvals/").text


@pytest.mark.req("R9")
def test_a_page_of_the_other_side_says_where_to_go(dev: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", "target")
    answer = dev.get(f"{LIST}?tab=shared")

    assert (answer.status_code, 'data-error-code="not_here"' in answer.text) == (409, True)


@pytest.mark.req("R1")
def test_the_list_says_that_basic_mode_goes_to_the_target_at_once(
    dev: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_MODE", "basic")
    text = dev.get(LIST).text

    assert "goes to prod at once, without approval" in text
    assert "Nobody approves it" in text
    assert "for reviewers" not in text


@pytest.mark.req("R1")
def test_a_release_of_basic_mode_says_that_nobody_was_asked(
    installation: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = installation.do(lambda w: w.dag("etl"))
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_MODE", "basic")
    dev = browser_of("dev")
    dev.post(f"{LIST}submit", {"path": path})

    assert "Nobody here was asked to approve it: basic mode of source" in words(dev.get("/releases/1").text)


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    ("role", "offers_release", "hint"),
    [
        ("source", False, "Change a Dag in dev"),
        ("target", True, "Import a bundle under Transfers"),
        ("both", True, "Change a Dag in dev"),
    ],
)
def test_the_list_offers_what_the_role_can_do(
    dev: Browser, monkeypatch: pytest.MonkeyPatch, role: str, offers_release: bool, hint: str
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", role)
    text = dev.get(LIST).text

    assert ("data-create-release hidden" not in text) is offers_release
    assert hint in text


@pytest.mark.req("R80")
def test_a_version_says_what_its_snapshot_holds_and_leaves_out(
    dev: Browser, installation: Installation
) -> None:
    installation.world.write("notes<b>~", "x")
    submission = installation.do(lambda w: w.submit(w.dag("etl")))

    page = dev.get(f"{LIST}submissions/{submission.id}").text

    assert "1 left out" in words(page)
    assert "notes&lt;b&gt;~" in page
    assert "is left behind by an editor or a tool" in words(page)


def test_a_version_without_a_snapshot_does_not_mention_one(dev: Browser, installation: Installation) -> None:
    def remove(world: World) -> Any:
        world.released(world.dag("etl"))
        world.delete("etl.py")
        return world.submit("etl.py")

    submission = installation.do(remove)

    assert "Snapshot" not in words(dev.get(f"{LIST}submissions/{submission.id}").text)


@pytest.mark.req("R4")
def test_a_row_says_size_risk_and_that_dev_has_not_tried_it(dev: Browser, installation: Installation) -> None:
    installation.do(lambda w: w.dag("etl"))

    text = words(dev.get(LIST).text)
    assert "+4 −0 Standard Not tried in dev" in text


@pytest.mark.req("R84")
@pytest.mark.parametrize(("state", "said"), [("success", "Tried in dev"), ("failed", "Failed in dev")])
def test_list_and_inbox_say_whether_dev_has_tried_it(
    dev: Browser, browser_of: Browsers, installation: Installation, state: str, said: str
) -> None:
    installation.waiting("etl")
    read = blobs(installation.world.twin.root, "etl.py")
    installation.world.twin.dev_runs = [dev_run(read, state=state)]

    assert said in words(dev.get(LIST).text)
    assert said in words(browser_of("reviewer").get("/approvals/").text)


def undo_forms(page: str) -> list[tuple[str, list[str]]]:
    forms = re.findall(r'<form method="post" action="[^"]*/undo".*?</form>', page)
    return [
        (
            re.findall('name="deed" value="([^"]*)"', form)[0],
            re.findall('name="submission_ids" value="(\\d+)"', form),
        )
        for form in forms
    ]


@pytest.mark.req("R6")
@pytest.mark.parametrize("paths", [["etl.py"], ["etl.py", "second.py"]])
def test_what_was_submitted_or_removed_can_be_undone_at_once(
    dev: Browser, installation: Installation, paths: list[str]
) -> None:
    installation.do(lambda w: [w.dag(path.removesuffix(".py")) for path in paths])
    dev.post(f"{LIST}submit", {"path": paths})

    ((deed, ids),) = undo_forms(dev.get(LIST).text)
    assert (deed, len(ids)) == ("submit", len(paths))
    assert undo_forms(dev.get(LIST).text) == []

    dev.post(f"{LIST}undo", {"deed": deed, "submission_ids": ids})
    text = words(dev.get(LIST).text)
    assert ("undone" in text, text.count("Not submitted") >= len(paths)) == (True, True)

    dev.post(f"{LIST}undo", {"deed": deed, "submission_ids": ids[:1]})
    assert "is off the list already; nothing was changed" in words(dev.get(LIST).text)


@pytest.mark.req("R6")
def test_a_removal_is_undone(dev: Browser, installation: Installation) -> None:
    row = installation.do(lambda w: w.submit(w.dag("etl"), DEV))
    dev.post(f"{LIST}remove", {"submission_ids": row.id})

    ((deed, ids),) = undo_forms(dev.get(LIST).text)
    dev.post(f"{LIST}undo", {"deed": deed, "submission_ids": ids})

    assert (deed, "Pending" in words(dev.get(LIST).text)) == ("remove", True)


@pytest.mark.req("R1")
def test_basic_mode_offers_no_undo(
    dev: Browser, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_MODE", "basic")
    path = installation.do(lambda w: w.dag("etl"))
    dev.post(f"{LIST}submit", {"path": path})

    assert undo_forms(dev.get("/releases/1").text) == []
