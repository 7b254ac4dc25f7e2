"""A submission, or a removal from the list, is taken back while nobody has used what it left."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.submissions import submissions, undoing
from airflow_release_plugin.services.submissions.submissions import ItemResult
from tests.harness.context import ADMIN, DEV, DEV2, VIEWER, World

pytestmark = pytest.mark.req("R6")


def undo_submit(world: World, *rows: Submission, actor: Actor = DEV) -> list[ItemResult]:
    return undoing.undo_submits(world.ctx, actor=actor, submission_ids=[row.id for row in rows])


def undo_removal(world: World, *rows: Submission, actor: Actor = DEV) -> list[ItemResult]:
    return undoing.undo_removals(world.ctx, actor=actor, submission_ids=[row.id for row in rows])


def removed(world: World) -> Submission:
    row = world.submit(world.dag("etl"))
    return submissions.remove(world.ctx, actor=DEV, submission_id=row.id)


def told(world: World, row: Submission) -> list[tuple[EventTag, object]]:
    found = events.events_of(world.ctx.session, f"submission:{row.id}").items
    reasons = [event.data["reason"] for event in found if "reason" in event.data]
    assert all(isinstance(reason, Message) for reason in reasons), "a page says it in its reader's language"
    return [(event.tag, event.data.get("reason")) for event in found]


def test_a_removed_version_comes_back_and_the_trail_says_so(world: World) -> None:
    row = removed(world)

    (result,) = undo_removal(world, row)

    assert (result.problem, row.state) == ("", SubmissionState.PENDING)
    assert (EventTag.SUBMISSION_RESTORED, "Its removal was undone.") in told(world, row)


def test_a_second_click_changes_nothing_and_says_why(world: World) -> None:
    row = removed(world)
    undo_removal(world, row)

    (result,) = undo_removal(world, row)

    assert result.problem == "v1 of 'etl.py' is in the list already; nothing was changed."


def test_what_was_submitted_meanwhile_stays(world: World) -> None:
    row = removed(world)
    world.submit(world.dag("etl", lines="x = 2"))

    (result,) = undo_removal(world, row)

    assert "v2 of 'etl.py' was submitted after v1" in result.problem
    assert row.state is SubmissionState.REMOVED


def test_what_a_rollback_made_for_itself_does_not_come_onto_the_list(world: World) -> None:
    row = removed(world)
    row.listed = False

    (result,) = undo_removal(world, row)

    assert result.problem
    assert row.state is SubmissionState.REMOVED


def test_an_undone_submission_leaves_the_list_and_brings_back_what_it_superseded(world: World) -> None:
    first = world.submit(world.dag("etl"))
    second = world.submit(world.dag("etl", lines="x = 2"))

    (result,) = undo_submit(world, second)

    assert result.problem == ""
    assert (first.state, second.state) == (SubmissionState.PENDING, SubmissionState.REMOVED)
    assert (EventTag.SUBMISSION_REMOVED, "Its submission was undone.") in told(world, second)
    assert (EventTag.SUBMISSION_RESTORED, "The submission of v2 was undone.") in told(world, first)


def test_what_a_release_replaced_in_the_target_does_not_come_back(world: World) -> None:
    world.released(world.dag("etl"))
    world.released(world.dag("etl", lines="x = 2"))
    third = world.submit(world.dag("etl", lines="x = 3"))

    undo_submit(world, third)

    states = [row.state for row in submissions.list_submissions(world.ctx, actor=DEV).items]
    assert states == [SubmissionState.REMOVED, SubmissionState.RELEASED, SubmissionState.SUPERSEDED]


def test_an_undone_submission_is_not_undone_twice(world: World) -> None:
    row = world.submit(world.dag("etl"))
    undo_submit(world, row)

    (result,) = undo_submit(world, row)

    assert result.problem == "v1 of 'etl.py' is off the list already; nothing was changed."


def test_what_is_in_a_release_stays_there(world: World) -> None:
    row = world.submit(world.dag("etl"))
    world.request(row)

    (result,) = undo_submit(world, row)

    assert "is in an open release by now. Revoke that release" in result.problem
    assert row.state is SubmissionState.IN_RELEASE


def test_what_a_release_has_held_is_not_undone_any_more(world: World) -> None:
    row = world.submit(world.dag("etl"))
    releases.revoke(world.ctx, actor=DEV, release_id=world.request(row).id)

    (result,) = undo_submit(world, row)

    assert "a release or a newer version has made use of it" in result.problem
    assert row.state is SubmissionState.PENDING


@pytest.mark.parametrize(
    ("actor", "submit", "removal"),
    [(ADMIN, True, True), (DEV2, False, True), (VIEWER, False, False)],
)
def test_who_may_undo(world: World, actor: Actor, submit: bool, removal: bool) -> None:
    submitted = world.submit(world.dag("other"))
    row = removed(world)

    assert (undo_submit(world, submitted, actor=actor)[0].problem == "") is submit
    assert (undo_removal(world, row, actor=actor)[0].problem == "") is removal


def test_a_refusal_of_one_does_not_undo_the_others(world: World) -> None:
    free, held = world.submit(world.dag("free")), world.submit(world.dag("held"))
    world.request(held)

    first, second = undo_submit(world, held, free)

    assert (bool(first.problem), bool(second.problem)) == (True, False)
    assert (free.state, held.state) == (SubmissionState.REMOVED, SubmissionState.IN_RELEASE)
