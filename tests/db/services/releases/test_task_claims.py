"""Who speaks for a release: the tasks of the run that works on it, and nobody else with their login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    TaskClaimedError,
    TaskMismatchError,
)
from airflow_release_plugin.models import Event, Release
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.releases import checks, creation, progress, releases, task_claims
from airflow_release_plugin.services.verification import runs, verification
from tests.harness.context import ADMIN, DEV, PASSED, PIPELINE, REVIEWER, SECRET, World

pytestmark = pytest.mark.req("R88")
FORGER = "a-secret-of-somebody-who-read-the-connection"
Say = Callable[[World, Release, Actor], Any]


def report(world: World, release: Release, actor: Actor, kind: ReportKind = ReportKind.CHECK) -> Release:
    return checks.report(
        world.ctx, actor=actor, release_id=release.id, kind=kind, attempt=release.attempt, items=PASSED
    )


SAYINGS: dict[str, tuple[TaskRole | None, Say]] = {
    "report": (TaskRole.CHECK, report),
    "progress": (
        TaskRole.CHECK,
        lambda w, r, a: progress.note(w.ctx, actor=a, release_id=r.id, attempt=r.attempt, files=()),
    ),
    "test": (None, lambda w, r, a: report(w, r, a, ReportKind.TEST)),
    "request approval": (
        TaskRole.REQUEST_APPROVAL,
        lambda w, r, a: checks.request_approval(w.ctx, actor=a, release_id=r.id),
    ),
    "promote": (TaskRole.PROMOTE, lambda w, r, a: promotions.promote(w.ctx, actor=a, release_id=r.id)),
    "verify": (TaskRole.VERIFY, lambda w, r, a: verification.verify(w.ctx, actor=a, release_id=r.id)),
    "run": (TaskRole.RUN, lambda w, r, a: runs.start_runs(w.ctx, actor=a, release_id=r.id)),
    "soak": (TaskRole.SOAK, lambda w, r, a: runs.soak(w.ctx, actor=a, release_id=r.id)),
    "errored": (
        None,
        lambda w, r, a: checks.mark_errored(w.ctx, actor=a, release_id=r.id, reason="worker lost"),
    ),
}
OF_ONE_ROLE = {name: role for name, (role, _) in SAYINGS.items() if role is not None}
REPORTS = ["report", "progress", "test"]
BY_HAND = sorted(SAYINGS.keys() - {*REPORTS})


def checking(world: World) -> Release:
    return world.request(world.submit(world.dag("etl")))


def claim(world: World, release: Release, task: TaskKey, secret: str = SECRET) -> Actor:
    found = task_claims.claim(world.ctx, actor=PIPELINE, release_id=release.id, task=task, secret=secret)
    return replace(PIPELINE, claim=f"{found.id}.{secret}")


def trail(world: World, release: Release, tag: EventTag) -> list[Event]:
    found = events.events_of(world.ctx.session, f"release:{release.id}").items
    return [event for event in found if event.tag is tag]


def refused(world: World, release: Release, act: Callable[[], object]) -> str:
    """Why; the trail says so, and the release stands where it stood."""
    before, count = release.state, len(trail(world, release, EventTag.TASK_REFUSED))
    with pytest.raises(TaskMismatchError) as caught:
        act()
    assert release.state is before
    assert len(trail(world, release, EventTag.TASK_REFUSED)) == count + 1
    return caught.value.message


@pytest.mark.parametrize("what", SAYINGS)
def test_the_login_alone_says_nothing(world: World, what: str) -> None:
    release = checking(world)

    assert "names no task" in refused(world, release, lambda: SAYINGS[what][1](world, release, PIPELINE))


@pytest.mark.parametrize("proof", ["1.", "1", "x.y", "99.secret", f"1.{FORGER}", "9" * 30 + ".x", "²."])
def test_a_claim_that_somebody_guesses_says_nothing(world: World, proof: str) -> None:
    release = checking(world)
    world.task(release, TaskRole.CHECK)

    refused(world, release, lambda: report(world, release, replace(PIPELINE, claim=proof)))


def test_the_claim_of_one_release_says_nothing_about_another(world: World) -> None:
    first, second = checking(world), world.request(world.submit(world.dag("other")))
    task = world.task(first, TaskRole.CHECK)

    refused(world, second, lambda: report(world, second, task))


@pytest.mark.parametrize("what", OF_ONE_ROLE)
def test_a_task_whose_operator_is_for_something_else_says_nothing(world: World, what: str) -> None:
    release = checking(world)
    for role in {None, *TaskRole} - {OF_ONE_ROLE[what]}:
        task = world.task(release, role)
        message = refused(world, release, lambda by=task: SAYINGS[what][1](world, release, by))  # type: ignore[misc]
        assert "has no operator for it" in message


@pytest.mark.parametrize("what", ["test", "errored"])
def test_any_task_of_the_run_reports_a_test_or_that_it_broke(world: World, what: str) -> None:
    release = checking(world)

    SAYINGS[what][1](world, release, world.task(release))

    assert release.state is (ReleaseState.CHECKING if what == "test" else ReleaseState.ERRORED)


@pytest.mark.parametrize("kind", [ReportKind.VERIFICATION, ReportKind.SOAK])
def test_nobody_reports_what_the_server_finds_out_itself(world: World, kind: ReportKind) -> None:
    release = checking(world)

    with pytest.raises(InvalidRequestError, match="the server finds that out itself"):
        report(world, release, world.task(release, TaskRole.CHECK), kind)


@pytest.mark.parametrize("other", [{"run_id": "mine"}, {"dag_id": "my_pipeline"}])
def test_a_task_of_a_run_that_the_release_did_not_start_is_refused(
    world: World, other: dict[str, str]
) -> None:
    release = checking(world)
    task = replace(world.start_task(release, TaskRole.CHECK), **other)  # type: ignore[arg-type]

    assert "is not of the run that works on it" in refused(
        world, release, lambda: claim(world, release, task)
    )


@pytest.mark.parametrize("state", ["queued", "scheduled", "deferred", "success", "up_for_retry", "none yet"])
def test_a_task_that_does_not_run_is_refused(world: World, state: str) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK, state)
    if state == "none yet":
        world.twin.tasks.clear()

    assert "does not run" in refused(world, release, lambda: claim(world, release, task))


def test_a_pipeline_that_people_edit_is_refused(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    world.twin.tasks[task] = replace(world.twin.tasks[task], bundle_name="dev")

    assert "release the pipeline first" in refused(world, release, lambda: claim(world, release, task))


def test_a_task_without_a_structure_in_airflow_is_refused(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    del world.twin.operators[task]

    refused(world, release, lambda: claim(world, release, task))


def test_a_task_that_has_ended_since_says_no_more(world: World) -> None:
    release = checking(world)
    actor = world.task(release, TaskRole.CHECK)
    world.start_task(release, TaskRole.CHECK, "success")

    assert "does not run any more" in refused(world, release, lambda: report(world, release, actor))


def test_a_task_that_failed_says_why_and_nothing_else(world: World) -> None:
    release = checking(world)
    actor = claim(world, release, world.start_task(release, TaskRole.CHECK, "failed"))

    refused(world, release, lambda: report(world, release, actor))
    refused(world, release, lambda: report(world, release, actor, ReportKind.TEST))
    checks.mark_errored(world.ctx, actor=actor, release_id=release.id, reason="worker lost")

    assert (release.state, release.state_reason) == (ReleaseState.ERRORED, "worker lost")


def test_a_request_that_is_repeated_finds_the_same_claim(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)

    assert claim(world, release, task).claim == claim(world, release, task).claim


def test_a_task_that_a_worker_takes_up_anew_claims_anew_and_its_old_process_says_no_more(
    world: World,
) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    old = claim(world, release, task)
    world.twin.tasks[task] = replace(world.twin.tasks[task], process="worker/2/later")

    refused(world, release, lambda: report(world, release, old))
    new = claim(world, release, task, FORGER)
    refused(world, release, lambda: report(world, release, old))
    assert report(world, release, new).state is ReleaseState.AWAITING_APPROVAL


@pytest.mark.parametrize("state", ["checking", "awaiting_approval", "approved"])
def test_a_second_caller_that_is_the_same_task_stops_the_release_and_shows(world: World, state: str) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    forged = claim(world, release, task, FORGER)
    if state != "checking":
        report(world, release, forged)
    if state == "approved":
        world.decide(release)
    assert release.state.value == state

    with pytest.raises(TaskClaimedError, match="one of them forges") as caught:
        claim(world, release, task)

    assert release.state is ReleaseState.ERRORED
    assert release.state_reason == caught.value.message
    (event,) = trail(world, release, EventTag.TASK_CONTESTED)
    assert (event.data["task_id"], event.data["first_claimed_by"]) == ("check", "pipeline")
    with pytest.raises(TaskClaimedError):
        report(world, release, forged)
    with pytest.raises(ConflictError):
        promotions.promote(world.ctx, actor=ADMIN, release_id=release.id)


def test_what_people_agreed_to_on_a_forged_check_counts_no_more(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    report(world, release, claim(world, release, task, FORGER))
    world.decide(release)
    checks.mark_errored(world.ctx, actor=ADMIN, release_id=release.id, reason="worker lost")

    with pytest.raises(TaskClaimedError):
        claim(world, release, task)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert world.report(release).state is ReleaseState.AWAITING_APPROVAL


def test_what_was_contested_says_nothing_in_the_next_attempt_either(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    forged = claim(world, release, task, FORGER)
    with pytest.raises(TaskClaimedError):
        claim(world, release, task)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="this task is of attempt 1"):
        report(world, release, forged)
    assert world.report(release).state is ReleaseState.AWAITING_APPROVAL


def test_a_second_caller_after_the_promotion_shows_and_changes_nothing(world: World) -> None:
    release = world.released(world.dag("etl"))
    task = world.start_task(release, TaskRole.PROMOTE)

    with pytest.raises(TaskClaimedError):
        claim(world, release, task, FORGER)

    assert release.state is ReleaseState.RELEASED
    assert len(trail(world, release, EventTag.TASK_CONTESTED)) == 1


@pytest.mark.parametrize("what", BY_HAND)
def test_an_admin_does_by_hand_what_reports_nothing_and_the_trail_has_the_name(
    world: World, what: str
) -> None:
    release = world.approved(world.dag("etl"))
    if what not in {"promote", "errored", "request approval"}:
        world.promote(release)

    SAYINGS[what][1](world, release, ADMIN)

    moved = trail(world, release, EventTag.RELEASE_MOVED)[-1]
    assert what not in {"promote", "errored"} or moved.actor_name == "admin"


@pytest.mark.parametrize("what", REPORTS)
def test_an_admin_never_reports_in_place_of_a_task(world: World, what: str) -> None:
    release = checking(world)

    assert "names no task" in refused(world, release, lambda: SAYINGS[what][1](world, release, ADMIN))


def test_an_admin_whose_login_the_pipeline_has_claims_like_it(world: World) -> None:
    release = checking(world)
    actor = replace(ADMIN, claim=world.task(release, TaskRole.CHECK).claim)

    assert report(world, release, actor).state is ReleaseState.AWAITING_APPROVAL


@pytest.mark.parametrize("actor", [DEV, REVIEWER], ids=lambda actor: actor.name)
def test_people_are_no_tasks(world: World, actor: Actor) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    proof = claim(world, release, task).claim

    with pytest.raises(NotAllowedError):
        task_claims.claim(world.ctx, actor=actor, release_id=release.id, task=task, secret=FORGER)
    with pytest.raises(NotAllowedError):
        report(world, release, replace(actor, claim=proof))
    assert releases.get(world.ctx, actor=DEV, release_id=release.id).state is ReleaseState.CHECKING


def test_the_database_keeps_no_secret(world: World) -> None:
    release = checking(world)
    task = world.start_task(release, TaskRole.CHECK)
    found = task_claims.claim(world.ctx, actor=PIPELINE, release_id=release.id, task=task, secret=SECRET)

    assert SECRET not in str(vars(found))
