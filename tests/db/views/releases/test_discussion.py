"""Talking about a release on its page, without a script."""

from __future__ import annotations

import re

import pytest

from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.discussion import comments
from airflow_release_plugin.services.releases import creation
from tests.db.views.conftest import ADMIN, DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import FAILED, World
from tests.harness.discussion import point_at, reply, resolve, say
from tests.harness.flow_forms import form

pytestmark = pytest.mark.req("R91")
EVIL = "**Late** <script>alert(1)</script> [x](javascript:alert(1))"


def anchor_of(answer: object) -> str:
    return str(answer.location).partition("#")[2]  # type: ignore[attr-defined]


def test_a_comment_is_written_shown_edited_and_deleted(
    installation: Installation, browser_of: Browsers
) -> None:
    release, reviewer = installation.waiting("etl"), browser_of("reviewer")
    activity = f"/releases/{release.id}?tab=activity"
    assert "Nobody has said anything yet." in reviewer.get(activity).text

    sent = reviewer.post(f"/discussion/{release.id}/comments", {"text": EVIL, "tab": "activity"})

    assert (sent.status_code, anchor_of(sent)) == (302, "comment-1")
    page = reviewer.get(activity).text
    assert "<strong>Late</strong> &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="javascript' not in page
    assert "Your comment was kept." in page
    others = browser_of("dev").get(activity).text
    assert "<strong>Late</strong>" in others
    assert "/comments/1/edit" not in others
    assert "/comments/1/delete" in browser_of("admin").get(activity).text
    reviewer.post(f"/discussion/{release.id}/comments/1/edit", {"text": "Never mind", "tab": "activity"})
    page = reviewer.get(activity).text
    assert "<p>Never mind</p>" in page
    assert page.index("edited") < page.index("<strong>Late</strong>")
    reviewer.post(f"/discussion/{release.id}/comments/1/delete", {"tab": "activity"})
    page = browser_of("dev").get(activity).text
    assert "Deleted by reviewer" in page
    assert "Never mind" not in page
    assert "Late" not in page


def test_a_thread_is_opened_on_a_line_answered_and_resolved(
    installation: Installation, browser_of: Browsers
) -> None:
    release, reviewer, dev = installation.waiting("etl"), browser_of("reviewer"), browser_of("dev")
    changes = f"/releases/{release.id}?tab=changes"
    assert "Comment on line" in reviewer.get(changes).text
    page = reviewer.get(f"{changes}&on=etl.py&side=new&line=3").text
    under = re.search(r'data-no="3".*?<div class="beside">(.*?)</form>', page)
    assert under
    assert "Your comment on line 3" in under[1]

    sent = reviewer.post(
        f"/discussion/{release.id}/threads",
        {"path": "etl.py", "side": "new", "line": "3", "text": "Why?", "tab": "changes"},
    )
    assert anchor_of(sent) == "thread-1"
    dev.post(f"/discussion/{release.id}/comments", {"thread_id": "1", "text": "So.", "tab": "changes"})

    page = dev.get(changes).text
    at = page.index('id="thread-1"')
    assert (
        page.rindex('data-no="3"', 0, at)
        < page.index("Why?")
        < page.index("So.")
        < page.index('data-no="4"', at)
    )
    assert "1 unresolved thread" in page
    assert '<section class="thread" id="thread-1"' in dev.get(f"/releases/{release.id}?tab=activity").text
    dev.post(f"/discussion/{release.id}/threads/1/resolve", {"tab": "changes"})
    page = dev.get(changes).text
    assert "Open again" in page
    assert "unresolved thread" not in page


def test_what_was_typed_wrongly_is_refused_in_words(installation: Installation, browser_of: Browsers) -> None:
    release, reviewer = installation.waiting("etl"), browser_of("reviewer")
    threads = f"/discussion/{release.id}/threads"

    empty = reviewer.post(f"/discussion/{release.id}/comments", {"text": " "})
    long = reviewer.post(f"/discussion/{release.id}/comments", {"text": "x" * 20_000})
    huge = reviewer.post(f"/discussion/{release.id}/comments", {"text": "x" * 2**20})
    no_side = reviewer.post(threads, {"path": "etl.py", "side": "left", "line": "1", "text": "x"})
    no_line = reviewer.post(threads, {"path": "etl.py", "side": "new", "line": "99", "text": "x"})

    assert (empty.status_code, "needs words" in empty.text) == (422, True)
    assert (long.status_code, "at most 10,000 characters" in long.text) == (413, True)
    assert (huge.status_code, "at most 10,000 characters" in huge.text) == (413, True)
    assert (no_side.status_code, no_line.status_code) == (422, 422)
    assert "there is no line 99" in words(no_line.text)


def outdated(world: World) -> Release:
    """A thread on a line of the target that is another one in the next attempt."""
    world.write("helper.py", "A = 1\nB = 2\n")
    world.promote(
        world.decide(world.report(world.request(world.submit(world.dag("etl"), DEV), actor=DEV)), REVIEWER)
    )
    release = world.report(
        world.request(world.submit(world.dag("etl", lines="import helper"), DEV), actor=DEV), FAILED
    )
    point_at(world, release, line=2, actor=REVIEWER, text="An import?")
    world.move_by_hand(
        "etl.py", world.store.read(next(c.entry.blob for c in release.changes if c.entry)).decode()
    )
    return creation.retry(world.ctx, actor=DEV, release_id=release.id)


def test_threads_on_files_that_are_not_changed_any_more_stand_on_top(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.do(outdated)

    page = browser_of("dev").get(f"/releases/{release.id}?tab=changes").text

    assert page.index("Outdated") < page.index("An import?") < page.index('id="file-1"')


def test_the_approval_says_what_it_waits_for_and_leads_there(
    installation: Installation, browser_of: Browsers
) -> None:
    def held(world: World) -> Release:
        flow_admin.create(world.ctx, actor=ADMIN, raw=form(resolved_only=True))
        release = world.report(world.request(world.submit(world.dag("etl"), DEV), actor=DEV))
        resolve(world, release, point_at(world, release, actor=REVIEWER), REVIEWER)
        for line in (2, 3):
            point_at(world, release, line=line, actor=REVIEWER)
        return world.decide(release, REVIEWER)

    release, dev = installation.do(held), browser_of("dev")

    page = dev.get(f"/releases/{release.id}").text
    assert "2 threads are open; the flow counts approvals only when all are resolved." in page
    link = re.search(r'href="[^"]*(/discussion/\d+/threads/\d+)"', page)
    assert link
    assert link[1].endswith("/threads/2")
    answer = dev.get(link[1])
    assert answer.location.endswith(f"/releases/{release.id}?tab=changes&only=etl.py#thread-2")
    assert 'id="thread-2"' in dev.get(f"/releases/{release.id}?tab=changes&only=etl.py").text
    gone = dev.get(f"/releases/{release.id}?tab=changes&only=gone.py").text
    assert "changes no file gone.py, or no longer" in gone


def test_an_open_page_that_asks_again_does_not_take_the_words_away(
    installation: Installation, browser_of: Browsers
) -> None:
    release = installation.waiting("etl")
    reviewer = browser_of("reviewer")

    page = reviewer.client.get(
        f"/releases/{release.id}?tab=activity",
        base_url="http://localhost/release",
        headers={"X-Requested-With": "fetch"},
    ).text

    assert 'name="text"' not in page
    assert 'class="timeline"' in page


def test_talk_of_a_release_that_is_over(installation: Installation, browser_of: Browsers) -> None:
    def over(world: World) -> Release:
        release = world.report(world.request(world.submit(world.dag("etl"), DEV), actor=DEV))
        world.promote(world.decide(release, REVIEWER))
        thread = point_at(world, release, actor=REVIEWER)
        answer = reply(world, release, thread, actor=DEV)
        comments.delete_comment(world.ctx, actor=ADMIN, release_id=release.id, comment_id=answer.id)
        say(world, release, "@stranger", DEV)
        return release

    release, dev = installation.do(over), browser_of("dev")

    sent = dev.post(f"/discussion/{release.id}/comments", {"text": "Thanks @reviewer @nobody"})
    assert sent.status_code == 302
    page = dev.get(f"/releases/{release.id}?tab=activity").text
    assert "nobody (nobody here is called so)" in page
    assert "Thread opened" in page
    assert "Comment deleted" in page
