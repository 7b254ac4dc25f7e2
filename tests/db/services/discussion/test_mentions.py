"""Whom a comment notifies, and what its author learns about those whom it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.discussion.anchors import LinePoint, Side
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Notice, Notification
from airflow_release_plugin.services.discussion import comments, lines
from tests.db.services.discussion.test_comments import hide
from tests.harness.context import DEV2, REVIEWER, VIEWER, World
from tests.harness.discussion import say
from tests.harness.outbox import configure, outbox

pytestmark = pytest.mark.req("R91", "R40")


def mentions(world: World) -> list[Notification]:
    return [row for row in outbox(world) if row.event.value == "mentioned"]


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_people_who_are_named_are_told(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))

    written = say(world, release, "@dev and @viewer, look at `@task`. @reviewer")

    assert (written.told, written.untold) == (("dev", "viewer"), ())
    (row,) = mentions(world)
    assert (row.notice["mentioned"], row.notice["actor"]) == (["dev", "viewer"], "reviewer")
    assert row.notice["summary"] == f"{release.number} A release: reviewer wrote to dev, viewer"
    assert row.notice["reason"].startswith("@dev and")


def test_who_may_not_see_the_release_is_not_told_and_the_author_learns_it(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    hide(world, VIEWER)

    written = say(world, release, "@viewer @dev2 @stranger @pipeline")

    assert written.told == ("dev2",)
    assert {each.name: each.reason for each in written.untold} == {
        "stranger": "nobody here is called so",
        "viewer": "may not see this release",
        "pipeline": "a service user reads nothing",
    }
    assert [row.notice["mentioned"] for row in mentions(world)] == [["dev2"]]


def test_whoever_was_asked_sees_it_whatever_their_role(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    hide(world, REVIEWER)

    assert comments.add_comment(world.ctx, actor=VIEWER, release_id=release.id, text="@reviewer").told == (
        "reviewer",
    )


def test_a_thread_tells_only_who_may_read_the_code_and_no_code(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl", lines="SECRET = 1"))
    hide(world, VIEWER, DagAccess.READ_CODE)

    written = lines.open_thread(
        world.ctx,
        actor=REVIEWER,
        release_id=release.id,
        point=LinePoint("etl.py", Side.NEW, 2),
        text="@viewer @dev2 `SECRET = 1`?",
    )

    assert (written.told, written.untold[0].reason) == (("dev2",), "may not see this release and its code")
    assert mentions(world)[0].notice["reason"] == "etl.py, line 2"


def test_without_a_notifier_they_find_it_in_their_list(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    written = say(world, release, "@dev @viewer")

    assert written.told == ("dev", "viewer")
    notices = world.ctx.session.scalars(select(Notice).where(Notice.event == NotificationEvent.MENTIONED))
    assert sorted((row.person_name, row.subject_id) for row in notices) == [
        ("dev", release.id),
        ("viewer", release.id),
    ]
    assert mentions(world) == []


def test_before_anybody_was_asked_the_flow_that_would_apply_tells(world: World) -> None:
    configure(world)
    release = world.request(world.submit(world.dag("etl")))

    assert say(world, release, "@dev").told == ("dev",)


def test_an_edit_tells_only_whom_it_names_newly(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    comment = say(world, release, "@dev").comment

    written = comments.edit_comment(
        world.ctx, actor=REVIEWER, release_id=release.id, comment_id=comment.id, text="@dev @dev2"
    )

    assert written.told == ("dev2",)
    assert [row.notice["mentioned"] for row in mentions(world)] == [["dev"], ["dev2"]]


def test_nobody_is_flooded(world: World) -> None:
    for number in range(21):
        person = replace(world.twin.users[DEV2.id], id=f"p{number}", name=f"p{number}")
        world.twin.users[person.id] = person
    release = world.waiting(world.dag("etl"))

    with pytest.raises(InvalidRequestError, match="at most 20 people; this one names 21"):
        say(world, release, " ".join(f"@p{number}" for number in range(21)))


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_deleted_words_are_gone_from_what_people_were_told(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    say(world, release, "@dev, this stays")
    leak = say(world, release, "@dev, the password is hunter2").comment
    comments.edit_comment(
        world.ctx, actor=REVIEWER, release_id=release.id, comment_id=leak.id, text="@dev2 and it is hunter3"
    )

    comments.delete_comment(world.ctx, actor=REVIEWER, release_id=release.id, comment_id=leak.id)

    world.ctx.session.flush()
    world.ctx.session.expire_all()
    notices = list(
        world.ctx.session.scalars(select(Notice).where(Notice.event == NotificationEvent.MENTIONED))
    )
    for reasons in (
        [row.facts["reason"] for row in notices],
        [row.notice["reason"] for row in mentions(world)],
    ):
        assert reasons == ["@dev, this stays", "The comment was deleted.", "The comment was deleted."]
    assert "hunter" not in str([*(row.facts for row in notices), *(row.notice for row in outbox(world))])
