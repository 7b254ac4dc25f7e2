"""Requesting, seeing, revoking and retrying releases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    InvalidTransitionError,
    ItemBusyError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import creation, expiry, previews, releases
from airflow_release_plugin.services.submissions import submissions
from tests.harness.clock import FrozenClock
from tests.harness.context import (
    ADMIN,
    DEV,
    DEV2,
    FAILED,
    PIPELINE,
    REVIEWER,
    VIEWER,
    World,
    dag_text,
)
from tests.harness.databases import counted


def by_name(actor: Actor) -> str:
    return actor.name


def changed(release: Release) -> dict[str, bool]:
    """Changed paths, and whether they stay."""
    return {change.path: not change.is_deletion for change in release.changes}


@pytest.mark.req("R8", "R10", "R11")
def test_a_release_takes_its_versions_and_starts_its_pipeline(world: World, clock: FrozenClock) -> None:
    submission = world.submit(world.dag("etl"))

    release = world.request(submission, title="  Orders  ", description="why", run_after_release=True)

    assert (release.state, release.number, release.title) == (ReleaseState.CHECKING, "R-000001", "Orders")
    assert (release.requested_by.id, release.requested_at) == (DEV.id, clock.now)
    assert (submission.state, submission.release_id) == (SubmissionState.IN_RELEASE, release.id)
    assert release.reviewers == [{"id": REVIEWER.id, "name": "reviewer"}]
    assert world.twin.triggers == [("R-000001__1", {"release_id": release.id, "attempt": 1}, True)]
    assert release.pipeline_run_id == "R-000001__1"


@pytest.mark.req("R8")
def test_a_hundred_versions_are_released_together_and_one_more_is_refused(world: World) -> None:
    many = [world.submit(world.dag(f"dag{number}")) for number in range(101)]

    with pytest.raises(InvalidRequestError, match="1 to 100 submissions; 101 were chosen"):
        world.request(*many)
    assert len(world.request(*many[:100]).items) == 100


@pytest.mark.req("R8")
def test_a_release_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="0 were chosen"):
        world.request()


def test_the_same_version_twice_counts_once(world: World) -> None:
    submission = world.submit(world.dag("etl"))

    assert len(world.request(submission, submission).items) == 1


def test_a_version_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no submission 77"):
        creation.request(
            world.ctx, actor=DEV, submission_ids=[77], release_request=ReleaseRequest("t", ["reviewer"])
        )


def test_a_version_in_an_open_release_is_busy(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    release = world.request(submission)

    with pytest.raises(ItemBusyError) as refused:
        world.request(submission)

    assert refused.value.context == {"release_id": release.id}


def test_a_version_whose_release_expired_is_free_again(world: World, clock: FrozenClock) -> None:
    first = world.waiting(world.dag("etl"))
    clock.advance(hours=24)

    second = world.request(first.items[0].submission)

    assert (first.state, second.state) == (ReleaseState.EXPIRED, ReleaseState.CHECKING)


@pytest.mark.parametrize("db_backend", ["postgresql"])
def test_releases_whose_windows_are_over_are_all_locked_before_the_first_event(
    world: World, clock: FrozenClock, engine: Engine
) -> None:
    held = [world.waiting(world.dag(name)).items[0].submission for name in ("etl", "other")]
    clock.advance(hours=24)

    with counted(engine) as statements:
        expiry.expire_holders_if_due(world.ctx, held)

    locks = [place for place, text in enumerate(statements) if text.endswith("FOR UPDATE OF release")]
    events = [place for place, text in enumerate(statements) if "FROM release_event_head" in text]
    assert len(locks) == 2
    assert max(locks) < min(events)


def test_a_removed_version_cannot_be_released(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=submission.id)

    with pytest.raises(ConflictError, match="is removed"):
        world.request(submission)


def test_two_versions_of_one_file_do_not_go_into_one_release(world: World) -> None:
    first = world.submit(world.dag("etl"))
    held = world.request(first)
    world.dag("etl", lines="x = 2")
    second = world.submit("etl.py")
    first.state, held.state = SubmissionState.PENDING, ReleaseState.FAILED

    with pytest.raises(InvalidRequestError, match="Two versions of the same Dag file"):
        world.request(first, second)


@pytest.mark.req("R10")
@pytest.mark.parametrize("name", ["dev", DEV.id])
def test_nobody_reviews_their_own_release(world: World, name: str) -> None:
    with pytest.raises(SelfApprovalError):
        world.request(world.submit(world.dag("etl")), reviewers=["reviewer", name])


@pytest.mark.req("R10")
def test_who_submitted_a_part_is_no_reviewer(world: World) -> None:
    theirs = world.submit(world.dag("etl"), actor=REVIEWER)

    with pytest.raises(InvalidRequestError, match="Not eligible to review this release: reviewer"):
        world.request(theirs)


@pytest.mark.req("R10")
@pytest.mark.parametrize("reviewers", [["dev2"], ["viewer"], ["pipeline"], ["nobody"], []])
def test_reviewers_have_to_be_chosen_and_eligible(world: World, reviewers: list[str]) -> None:
    with pytest.raises(InvalidRequestError, match=r"Not eligible .* Eligible: admin, reviewer"):
        world.request(world.submit(world.dag("etl")), reviewers=reviewers)


@pytest.mark.req("R10")
def test_a_reviewer_is_named_by_id_or_login_name_and_counts_once(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")), reviewers=[REVIEWER.id, "reviewer", "admin"])

    assert [person["name"] for person in release.reviewers] == ["reviewer", "admin"]


@pytest.mark.req("R10")
def test_the_eligible_are_listed_without_requester_and_submitters(world: World) -> None:
    theirs = world.submit(world.dag("etl"), actor=REVIEWER)

    def names(actor: Actor, *ids: int) -> list[str]:
        return [p.name for p in previews.preview(world.ctx, actor=actor, submission_ids=ids).people]

    assert names(DEV) == ["admin", "reviewer"]
    assert names(DEV, theirs.id) == ["admin"]
    assert names(ADMIN, theirs.id) == []


@pytest.mark.req("R36")
def test_a_release_that_nobody_could_approve_is_refused(world: World) -> None:
    for actor in (ADMIN, REVIEWER):
        del world.twin.users[actor.id]

    with pytest.raises(
        InvalidRequestError, match=r"Nobody could approve release 'A release'.*role admin, role op"
    ):
        world.request(world.submit(world.dag("etl")))


def test_the_right_to_edit_every_dag_is_needed(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    world.twin.refused.add((DEV2.id, DagAccess.EDIT, "dev.etl"))

    with pytest.raises(NotAllowedError, match="may not edit etl"):
        world.request(submission, actor=DEV2)
    with pytest.raises(NotAllowedError, match="service user"):
        world.request(submission, actor=PIPELINE)


def test_versions_that_disagree_on_a_shared_file_are_not_released_together(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    first = world.submit(world.dag("one", lines="import helpers"))
    world.write("helpers.py", "x = 2\n")
    second = world.submit(world.dag("two", lines="import helpers"))

    with pytest.raises(InvalidRequestError, match=r"'one.py' v1 and 'two.py' v1 .* shared file 'helpers.py'"):
        world.request(first, second)


def test_versions_that_agree_on_a_shared_file_bring_it_once(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    both = [world.submit(world.dag(name, lines="import helpers")) for name in ("one", "two")]

    assert list(changed(world.request(*both))) == ["helpers.py", "one.py", "two.py"]


def test_only_what_differs_from_the_target_is_changed(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"))

    release = world.request(world.submit(world.dag("two", lines="import helpers")))

    assert changed(release) == {"two.py": True}


def test_a_file_that_nobody_needs_any_more_disappears(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("etl", lines="import helpers"))
    world.dag("etl")

    assert changed(world.waiting("etl.py")) == {"etl.py": True, "helpers.py": False}


def test_a_file_that_another_released_dag_needs_stays(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"), world.dag("two", lines="import helpers"))
    world.dag("one")

    assert changed(world.waiting("one.py")) == {"one.py": True}


@pytest.mark.req("R17")
def test_removing_a_dag_removes_the_files_that_only_it_needed(world: World) -> None:
    world.write("mine.py", "x = 1\n")
    world.write("ours.py", "x = 1\n")
    world.dag("one", lines="import mine, ours")
    world.dag("two", lines="import ours")
    world.released("one.py", "two.py")
    world.delete("one.py")

    world.released("one.py")

    assert sorted(world.target()) == ["ours.py", "two.py"]


def test_a_release_that_would_change_nothing_is_refused(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    world.submit("etl.py")
    world.dag("etl")

    with pytest.raises(InvalidRequestError, match="would change nothing in the target"):
        world.request(world.submit("etl.py"))


def test_numbers_count_up(world: World) -> None:
    numbers = [world.request(world.submit(world.dag(name))).number for name in ("a", "b")]

    assert numbers == ["R-000001", "R-000002"]


# seeing


def hide(world: World, actor: Actor, dag_id: str) -> None:
    for name in (dag_id, f"dev.{dag_id}"):
        world.twin.refused.add((actor.id, DagAccess.READ, name))


def test_releases_of_dags_that_one_may_not_read_do_not_exist_for_one(world: World) -> None:
    release = world.request(world.submit(world.dag("secret")))
    hide(world, DEV2, "secret")

    assert releases.list_releases(world.ctx, actor=DEV2).items == []
    with pytest.raises(NotFoundError):
        releases.get(world.ctx, actor=DEV2, release_id=release.id)


def test_requester_and_reviewers_see_their_release_whatever_they_may_read(world: World) -> None:
    release = world.request(world.submit(world.dag("secret")))
    hide(world, DEV, "secret")
    hide(world, REVIEWER, "secret")

    assert releases.get(world.ctx, actor=DEV, release_id=release.id) is release
    assert releases.get(world.ctx, actor=REVIEWER, release_id=release.id) is release
    assert releases.list_releases(world.ctx, actor=DEV).items == [release]


@pytest.mark.req("R13")
def test_releases_are_filtered_and_sorted(world: World, clock: FrozenClock) -> None:
    done = world.released(world.dag("etl"))
    clock.advance(hours=1)
    world.dag("report")
    waiting = world.request(world.submit("report.py", DEV2), actor=DEV2, title="100% reports")
    world.report(waiting)

    def found(**fields: Any) -> list[Release]:
        return releases.list_releases(world.ctx, actor=DEV, criteria=ReleaseFilter(**fields)).items

    def page(**options: Any) -> list[Release]:
        return releases.list_releases(world.ctx, actor=DEV, **options).items

    assert found() == [waiting, done]
    assert found(state=ReleaseState.RELEASED) == [done]
    assert found(state=ReleaseState.AWAITING_APPROVAL) == [waiting]
    assert found(search="100%") == [waiting]
    assert found(search=done.number) == [done]
    assert found(requested_by="dev2") == [waiting]
    assert found(released_by="reviewer") == [done]
    assert found(requested_after=waiting.requested_at) == [waiting]
    assert found(requested_before=waiting.requested_at) == [done]
    assert found(released_after=done.released_at) == [done]
    assert found(released_before=done.released_at) == []
    assert found(search="reprts") == [waiting]
    assert found(search="reprts " * 3000) == [waiting]
    assert found(search="reprts " * 3000 + "nowhere") == []
    assert found(dag_id="report") == found(dag_id="dev.report") == [waiting]
    assert page(order_by="requested_at") == [done, waiting]
    assert page(limit=1, offset=1) == [done]
    clock.advance(hours=24)
    assert found(state=ReleaseState.AWAITING_APPROVAL) == []
    assert found(state=ReleaseState.EXPIRED) == [waiting]


# revoking


@pytest.mark.req("R12", "R16")
@pytest.mark.parametrize("actor", [DEV, REVIEWER, ADMIN], ids=by_name)
def test_requester_reviewers_and_admins_revoke(world: World, actor: Actor) -> None:
    release = world.waiting(world.dag("etl"))

    releases.revoke(world.ctx, actor=actor, release_id=release.id)

    assert release.state is ReleaseState.REVOKED
    assert release.items[0].submission.state is SubmissionState.PENDING
    assert release.items[0].submission.release_id is None


@pytest.mark.req("R12")
@pytest.mark.parametrize("actor", [DEV2, VIEWER, PIPELINE], ids=by_name)
def test_others_do_not_revoke(world: World, actor: Actor) -> None:
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        releases.revoke(world.ctx, actor=actor, release_id=release.id)
    assert not releases.may_revoke(world.ctx, actor, release)


@pytest.mark.req("R12")
def test_a_release_is_revoked_before_it_is_promoted_and_not_after(world: World) -> None:
    for prepare in (lambda p: world.request(world.submit(p)), world.waiting, world.approved):
        release = prepare(world.dag("etl"))
        assert releases.may_revoke(world.ctx, DEV, release)
        assert releases.revoke(world.ctx, actor=DEV, release_id=release.id).state is ReleaseState.REVOKED
        submissions.remove(world.ctx, actor=DEV, submission_id=release.items[0].submission_id)

    done = world.released("etl.py")
    assert not releases.may_revoke(world.ctx, DEV, done)
    with pytest.raises(InvalidTransitionError):
        releases.revoke(world.ctx, actor=DEV, release_id=done.id)


def test_an_expired_release_is_not_revoked(world: World, clock: FrozenClock) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(hours=24)

    with pytest.raises(InvalidTransitionError, match="'expired'"):
        releases.revoke(world.ctx, actor=DEV, release_id=release.id)


# retrying


@pytest.mark.req("R16")
def test_a_failed_release_is_tried_again_with_the_same_versions(world: World) -> None:
    release = world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert (release.state, release.attempt) == (ReleaseState.CHECKING, 2)
    assert release.items[0].submission.state is SubmissionState.IN_RELEASE
    assert [run_id for run_id, _, _ in world.twin.triggers] == ["R-000001__1", "R-000001__2"]
    assert world.promote(world.decide(world.report(release))).state is ReleaseState.RELEASED


@pytest.mark.req("R16")
def test_a_retry_is_built_on_the_target_as_it_is_now(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    failed = world.report(world.request(world.submit(world.dag("one", lines="import helpers"))), FAILED)
    world.released(world.dag("two", lines="import helpers"))

    creation.retry(world.ctx, actor=DEV, release_id=failed.id)

    assert (failed.base_commit, changed(failed)) == (world.head, {"one.py": True})


def test_an_overtaken_release_is_not_retried(world: World) -> None:
    release = world.report(world.request(world.submit(world.dag("etl"))), FAILED)
    world.dag("etl", lines="x = 2")
    world.submit("etl.py")

    with pytest.raises(ConflictError, match="is superseded"):
        creation.retry(world.ctx, actor=DEV, release_id=release.id)


@pytest.mark.parametrize("actor", [DEV2, REVIEWER, PIPELINE], ids=by_name)
def test_only_requester_and_admins_retry(world: World, actor: Actor) -> None:
    release = world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    with pytest.raises(NotAllowedError):
        creation.retry(world.ctx, actor=actor, release_id=release.id)
    assert not creation.may_retry(world.ctx, actor, release)
    assert creation.may_retry(world.ctx, ADMIN, release)


def test_a_rejected_release_is_not_retried(world: World) -> None:
    release = world.decide(world.waiting(world.dag("etl")), verdict=Verdict.REJECT)

    with pytest.raises(ConflictError, match="only failed, errored and stale ones"):
        creation.retry(world.ctx, actor=DEV, release_id=release.id)


def test_a_file_with_several_dags_is_released_as_a_whole(world: World) -> None:
    world.write("regions.py", dag_text("north", "south"))

    assert releases.get(world.ctx, actor=DEV, release_id=world.waiting("regions.py").id).items[0].dag_ids == [
        "north",
        "south",
    ]
