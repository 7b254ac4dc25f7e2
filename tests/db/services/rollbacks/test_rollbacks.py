"""Going back: what is planned, who may, what it makes, and what it does to what was there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import (
    DagTarget,
    PointInTime,
    Retire,
    Scope,
    UndoRelease,
)
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ItemBusyError,
    NotAllowedError,
    NotFoundError,
    StaleDigestError,
    TooLargeError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import checks, creation, releases
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.rollbacks.planning import Choice, RollbackPlan
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.submissions import candidates
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, VIEWER, World

pytestmark = pytest.mark.req("R17")


def planned(world: World, scope: Scope, **choice: Any) -> RollbackPlan:
    choices = Choice(**{name: frozenset(paths) for name, paths in choice.items()})
    return planning.plan(world.ctx, actor=DEV, scope=scope, choice=choices)


def requested(world: World, scope: Scope, **choice: Any) -> Release:
    choices = Choice(**{name: frozenset(paths) for name, paths in choice.items()})
    return rollbacks.request(
        world.ctx,
        actor=DEV,
        scope=scope,
        choice=choices,
        digest=planned(world, scope, **choice).digest,
        release_request=ReleaseRequest("", ["reviewer"]),
    )


def rolled_back(world: World, scope: Scope, **choice: Any) -> Release:
    return world.promote(world.decide(world.report(requested(world, scope, **choice))))


def version(world: World, number: int, clock: FrozenClock | None = None) -> Release:
    """Release another version of ``etl.py``; the releases are an hour apart."""
    world.dag("etl", lines=f"x = {number}")
    if clock is not None:
        clock.advance(hours=1)
    return world.released("etl.py")


def changed_paths(plan: RollbackPlan) -> list[str]:
    return [change.path for change in plan.changes]


# one DAG


def test_a_dag_goes_back_to_the_content_of_an_old_version(world: World) -> None:
    first, second, _ = (version(world, number) for number in (1, 2, 3))
    old = world.store.files(first.target_commit)

    release = rolled_back(world, DagTarget("etl", 1))

    row = release.items[0].submission
    assert world.store.files(world.head) == old
    assert (release.kind, row.version, row.change) == (ReleaseKind.ROLLBACK, 4, ChangeKind.MODIFIED)
    assert row.copy_of_id == first.items[0].submission.id
    assert world.store.files(row.commit_id) == old
    assert second.state is ReleaseState.RELEASED


def test_the_history_of_the_target_only_grows(world: World) -> None:
    version(world, 1)
    second = version(world, 2)

    release = rolled_back(world, DagTarget("etl", 1))

    commits = world.store.history(world.head)
    assert [commit.id for commit in commits[:2]] == [release.target_commit, second.target_commit]
    assert ("Kind", "rollback") in commits[0].trailers


def test_what_it_takes_out_is_rolled_back_and_says_by_what(world: World) -> None:
    version(world, 1)
    second = version(world, 2)

    release = rolled_back(world, DagTarget("etl", 1))

    assert (second.state, second.state_reason) == (
        ReleaseState.ROLLED_BACK,
        f"Rolled back by {release.number}.",
    )
    assert second.items[0].submission.state is SubmissionState.SUPERSEDED


def test_prod_is_told_at_once(world: World) -> None:
    version(world, 1)
    version(world, 2)

    release = rolled_back(world, DagTarget("etl", 1))

    assert world.twin.announced[-1] == ("prod", release.target_commit, ("etl.py",))


def test_newer_work_in_the_list_stays_there(world: World) -> None:
    version(world, 1)
    version(world, 2)
    world.dag("etl", lines="x = 3")
    waiting = world.submit("etl.py")

    rolled_back(world, DagTarget("etl", 1))

    row = candidates.list_candidates(world.ctx, actor=DEV).items[0]
    assert (waiting.state, row.version, row.submission_state) == (
        SubmissionState.PENDING,
        3,
        SubmissionState.PENDING,
    )
    world.promote(world.decide(world.report(world.request(waiting))))
    assert "x = 3" in world.target()["etl.py"]
    assert waiting.state is SubmissionState.RELEASED


def test_a_release_that_was_open_meanwhile_is_stale_and_gives_its_version_back(world: World) -> None:
    version(world, 1)
    version(world, 2)
    world.dag("etl", lines="x = 3")
    opened = world.approved("etl.py")

    rolled_back(world, DagTarget("etl", 1))

    assert world.promote(opened).state is ReleaseState.STALE
    assert opened.items[0].submission.state is SubmissionState.PENDING


def test_a_rollback_that_does_not_come_about_leaves_nothing_in_the_list(world: World) -> None:
    version(world, 1)
    version(world, 2)
    release = requested(world, DagTarget("etl", 1))

    releases.revoke(world.ctx, actor=DEV, release_id=release.id)

    assert release.items[0].submission.state is SubmissionState.REMOVED
    assert candidates.list_candidates(world.ctx, actor=DEV).items == []


SCOPES: dict[str, Scope] = {"rollback": DagTarget("etl", 1), "retirement": Retire(("etl",))}


@pytest.mark.req("R89")
@pytest.mark.parametrize("way", ["the check said no", "the machinery broke"])
@pytest.mark.parametrize("kind", SCOPES)
def test_what_did_not_come_about_is_tried_again_as_it_was_planned(world: World, kind: str, way: str) -> None:
    first = version(world, 1)
    version(world, 2)
    release = requested(world, SCOPES[kind])
    digest = release.change_digest
    if way == "the check said no":
        world.report(release, [CheckItem("Parses", CheckStatus.FAILED, detail="no")])
    else:
        checks.mark_errored(world.ctx, actor=ADMIN, release_id=release.id, reason="no disk")
    assert release.items[0].submission.state is SubmissionState.REMOVED
    world.released(world.dag("other"))

    assert creation.may_retry(world.ctx, DEV, release)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert (release.change_digest, release.base_commit) == (digest, world.head)
    assert world.promote(world.decide(world.report(release))).state is ReleaseState.RELEASED
    then = world.store.files(first.target_commit) if kind == "rollback" else {}
    assert {path for path in world.store.files(world.head) if path != "other.py"} == set(then)
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R89")
def test_the_shared_files_that_come_along_do_so_when_it_is_tried_again(world: World) -> None:
    world.write("shared.py", "x = 1\n")
    world.released(world.dag("one", "import shared"))
    old = world.released(world.dag("two", "import shared"))
    world.write("shared.py", "x = 2\n")
    newer = world.released(world.dag("one", "import shared  # v2"))
    release = requested(world, UndoRelease(newer.id))
    assert "shared.py" in {change.path for change in release.changes}
    checks.mark_errored(world.ctx, actor=ADMIN, release_id=release.id, reason="no disk")

    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    world.promote(world.decide(world.report(release)))
    assert world.store.files(world.head) == world.store.files(old.target_commit)


@pytest.mark.req("R89")
def test_under_which_the_target_changed_is_requested_anew(world: World) -> None:
    version(world, 1)
    version(world, 2)
    release = requested(world, DagTarget("etl", 1))
    checks.mark_errored(world.ctx, actor=ADMIN, release_id=release.id, reason="no disk")
    version(world, 3)

    with pytest.raises(ConflictError, match=r"etl\.py changed in prod meanwhile.*request it anew"):
        creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert release.items[0].submission.state is SubmissionState.REMOVED
    assert rolled_back(world, DagTarget("etl", 1)).state is ReleaseState.RELEASED


@pytest.mark.req("R89")
def test_that_is_stale_says_that_it_is_to_be_requested_anew(world: World) -> None:
    version(world, 1)
    version(world, 2)
    release = world.decide(world.report(requested(world, DagTarget("etl", 1))))
    version(world, 3)

    assert world.promote(release).state is ReleaseState.STALE

    assert release.state_reason.endswith("made for the target as it was; request it anew.")
    assert not creation.may_retry(world.ctx, DEV, release)
    with pytest.raises(ConflictError, match="request it anew"):
        creation.retry(world.ctx, actor=DEV, release_id=release.id)


def test_of_two_rollbacks_of_a_file_one_is_open(world: World) -> None:
    version(world, 1)
    version(world, 2)
    first = requested(world, DagTarget("etl", 1))
    checks.mark_errored(world.ctx, actor=ADMIN, release_id=first.id, reason="no disk")
    second = requested(world, DagTarget("etl", 1))

    with pytest.raises(ItemBusyError, match=f"{second.number}, another rollback that is open"):
        creation.retry(world.ctx, actor=DEV, release_id=first.id)


def test_a_dag_that_was_removed_comes_back(world: World) -> None:
    first = version(world, 1)
    rolled_back(world, Retire(("etl",)))

    release = rolled_back(world, DagTarget("etl", 1))

    assert world.store.files(world.head) == world.store.files(first.target_commit)
    assert release.items[0].change is ChangeKind.NEW


@pytest.mark.parametrize(("number", "text"), [(7, "versions that were: v1"), (1, "nothing to do")])
def test_a_version_that_never_was_or_is_there_is_refused(world: World, number: int, text: str) -> None:
    version(world, 1)

    with pytest.raises(ConflictError, match=text):
        planned(world, DagTarget("etl", number))


def test_a_dag_that_was_never_released_has_nothing_to_go_back_to(world: World) -> None:
    world.submit(world.dag("etl"))

    with pytest.raises(ConflictError, match="never released"):
        planned(world, DagTarget("etl", 1))


def test_a_dag_that_nobody_knows_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        planned(world, DagTarget("etl", 1))


def test_who_may_not_edit_the_dag_may_not_roll_it_back(world: World) -> None:
    version(world, 1)
    version(world, 2)
    world.twin.refused.add((DEV2.id, DagAccess.EDIT, "dev.etl"))

    for actor in (VIEWER, DEV2, PIPELINE):
        with pytest.raises(NotAllowedError):
            planning.plan(world.ctx, actor=actor, scope=DagTarget("etl", 1))
    assert planning.plan(world.ctx, actor=ADMIN, scope=DagTarget("etl", 1)).rows


def test_a_plan_that_is_out_of_date_is_refused(world: World) -> None:
    version(world, 1)
    version(world, 2)
    world.write("more.py", "y = 1\n")
    seen = planned(world, DagTarget("etl", 1)).digest
    world.dag("etl", lines="import more")
    world.released("etl.py")

    with pytest.raises(StaleDigestError, match="Look at the plan again"):
        rollbacks.request(
            world.ctx,
            actor=DEV,
            scope=DagTarget("etl", 1),
            digest=seen,
            release_request=ReleaseRequest("", ["reviewer"]),
        )


def test_an_unrelated_change_of_the_target_does_not_make_a_plan_stale(world: World) -> None:
    version(world, 1)
    version(world, 2)
    seen = planned(world, DagTarget("etl", 1)).digest
    world.released(world.dag("other"))

    assert planned(world, DagTarget("etl", 1)).digest == seen


def test_the_digest_of_the_plan_is_that_of_the_release(world: World) -> None:
    version(world, 1)
    version(world, 2)
    plan = planned(world, DagTarget("etl", 1))

    release = requested(world, DagTarget("etl", 1))

    assert release.change_digest == plan.digest
    assert release.changes == plan.changes


def test_a_second_rollback_of_the_same_dag_waits_for_the_first(world: World) -> None:
    version(world, 1)
    version(world, 2)
    requested(world, DagTarget("etl", 1))

    with pytest.raises(ItemBusyError, match="another rollback that is open"):
        requested(world, DagTarget("etl", 1))


def test_planning_stores_nothing(world: World) -> None:
    version(world, 1)
    version(world, 2)

    planned(world, DagTarget("etl", 1))

    assert not world.ctx.session.new
    assert not world.ctx.session.dirty


# a release


def test_undoing_a_release_restores_each_of_its_dags(world: World) -> None:
    world.released(world.dag("one"), world.dag("two"))
    before = world.target()
    world.dag("one", lines="x = 2")
    world.dag("two", lines="x = 2")
    bad = world.released("one.py", "two.py", world.dag("three"))

    rollback = rolled_back(world, UndoRelease(bad.id))

    assert world.target() == before
    assert (bad.state, rollback.rolls_back_id) == (ReleaseState.ROLLED_BACK, bad.id)
    assert [item.change.value for item in rollback.items] == ["modified", "deleted", "modified"]


def test_undoing_the_first_release_of_all_empties_the_target(world: World) -> None:
    first = world.released(world.dag("etl"))

    rolled_back(world, UndoRelease(first.id))

    assert world.target() == {}


def test_a_dag_that_was_released_again_since_stays_as_it_is(world: World) -> None:
    world.released(world.dag("one"), world.dag("two"))
    world.dag("one", lines="x = 2")
    world.dag("two", lines="x = 2")
    bad = world.released("one.py", "two.py")
    world.dag("two", lines="x = 3")
    world.released("two.py")

    plan = planned(world, UndoRelease(bad.id))
    rolled_back(world, UndoRelease(bad.id))

    assert [(over.unit.name, over.version) for over in plan.overtaken] == [("two", 3)]
    assert "x = 2" not in world.target()["one.py"]
    assert "x = 3" in world.target()["two.py"]


def test_what_was_replaced_altogether_is_refused_with_the_way_out(world: World) -> None:
    version(world, 1)
    bad = version(world, 2)
    version(world, 3)
    last = version(world, 4)

    with pytest.raises(ConflictError, match=f"released again since, last by {last.number}"):
        planned(world, UndoRelease(bad.id))


def test_a_release_is_rolled_back_once(world: World) -> None:
    version(world, 1)
    bad = version(world, 2)
    rolled_back(world, UndoRelease(bad.id))

    with pytest.raises(ConflictError, match="rolled back already: Rolled back by R-000003"):
        planned(world, UndoRelease(bad.id))


def test_a_rollback_can_be_undone_too(world: World) -> None:
    version(world, 1)
    version(world, 2)
    back = rolled_back(world, DagTarget("etl", 1))

    rolled_back(world, UndoRelease(back.id))

    assert "x = 2" in world.target()["etl.py"]
    assert back.state is ReleaseState.ROLLED_BACK


def test_a_release_that_is_not_in_the_target_is_refused(world: World) -> None:
    with pytest.raises(ConflictError, match="is 'awaiting_approval': it is not in 'prod'"):
        planned(world, UndoRelease(world.waiting(world.dag("etl")).id))


# shared files


def share(world: World, content: int, *names: str) -> Release:
    """Release DAGs that import a helper with this content."""
    world.write("helpers.py", f"x = {content}\n")
    return world.released(*[world.dag(name, lines=f"import helpers  # {content}") for name in names])


def test_a_shared_file_goes_back_to_what_its_other_user_was_released_with(world: World) -> None:
    share(world, 1, "one")
    share(world, 2, "two")

    rolled_back(world, UndoRelease(2))

    assert sorted(world.target()) == ["helpers.py", "one.py"]
    assert world.target()["helpers.py"] == "x = 1\n"


def test_a_shared_file_that_a_later_release_needs_blocks(world: World) -> None:
    share(world, 1, "one", "two")
    share(world, 2, "one")
    share(world, 2, "two")
    scope = DagTarget("one", 1)

    shared = planned(world, scope).unsettled

    assert [(s.path, [u.path for u in s.users], s.users[0].can_include) for s in shared] == [
        ("helpers.py", ["two.py"], True)
    ]
    with pytest.raises(ConflictError, match=r"would change 'helpers.py', which two.py was released with"):
        requested(world, scope)


def test_the_other_user_is_included_by_choice(world: World) -> None:
    share(world, 1, "one", "two")
    before = world.target()
    share(world, 2, "one")
    share(world, 2, "two")

    rolled_back(world, DagTarget("one", 1), include=["two.py"])

    assert world.target() == before


def test_the_newer_shared_file_is_kept_by_choice(world: World) -> None:
    share(world, 1, "one", "two")
    share(world, 2, "one")
    share(world, 2, "two")

    plan = planned(world, DagTarget("one", 1), keep=["helpers.py"])
    rolled_back(world, DagTarget("one", 1), keep=["helpers.py"])

    assert changed_paths(plan) == ["one.py"]
    assert [(shared.path, shared.is_settled) for shared in plan.shared] == [("helpers.py", True)]
    assert world.target()["helpers.py"] == "x = 2\n"
    assert "# 1" in world.target()["one.py"]


def test_a_user_that_is_newer_than_the_moment_cannot_be_included(world: World) -> None:
    share(world, 1, "one")
    share(world, 2, "one")
    share(world, 2, "two")

    (shared,) = planned(world, DagTarget("one", 1)).unsettled

    assert [user.can_include for user in shared.users] == [False]


# the environment


def test_the_environment_goes_back_to_a_moment(world: World, clock: FrozenClock) -> None:
    version(world, 1, clock)
    world.released(world.dag("other"))
    moment, before = clock.now, world.target()
    version(world, 2, clock)
    world.delete("other.py")
    world.released("other.py")
    world.released(world.dag("new"))

    release = rolled_back(world, PointInTime(moment=moment + timedelta(minutes=1)))

    assert world.target() == before
    assert sorted((item.path, item.change.value) for item in release.items) == [
        ("etl.py", "modified"),
        ("new.py", "deleted"),
        ("other.py", "new"),
    ]


def test_the_environment_goes_back_to_just_after_a_release(world: World) -> None:
    first = version(world, 1)
    before = world.target()
    version(world, 2)
    share(world, 1, "one")

    rolled_back(world, PointInTime(after_release_id=first.id))

    assert world.target() == before


def test_before_the_first_release_there_is_nothing_to_go_back_to(world: World, clock: FrozenClock) -> None:
    moment = clock.now
    version(world, 1, clock)

    with pytest.raises(NotFoundError, match="the first release was R-000001"):
        planned(world, PointInTime(moment=moment))


def test_the_present_is_nothing_to_do(world: World, clock: FrozenClock) -> None:
    version(world, 1)

    with pytest.raises(ConflictError, match="nothing to do"):
        planned(world, PointInTime(moment=clock.now))


def test_more_than_a_hundred_dags_go_back_as_one_commit(world: World) -> None:
    version(world, 1)
    before = world.target()
    names = [f"many_{number}" for number in range(101)]
    world.released(*[world.dag(name) for name in names[:60]])
    world.released(*[world.dag(name) for name in names[60:]])

    release = rolled_back(world, PointInTime(after_release_id=1))

    assert world.target() == before
    assert len(release.items) == 101


def test_too_many_are_refused_as_a_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    version(world, 1)
    world.released(world.dag("one"), world.dag("two"))
    monkeypatch.setattr(planning, "MAX_ROWS", 1)

    with pytest.raises(TooLargeError, match="2 Dag files would change"):
        planned(world, PointInTime(after_release_id=1))


# retirement


def test_a_retired_dag_leaves_the_target_and_keeps_its_history(world: World) -> None:
    version(world, 1)
    world.released(world.dag("other"))

    release = rolled_back(world, Retire(("etl",)))

    assert sorted(world.target()) == ["other.py"]
    assert (release.kind, release.items[0].change) == (ReleaseKind.RETIREMENT, ChangeKind.DELETED)
    assert releases.get(world.ctx, actor=DEV, release_id=1).state is ReleaseState.RELEASED


def test_a_shared_file_stays_for_those_who_are_not_retired(world: World) -> None:
    share(world, 1, "one", "two")

    rolled_back(world, Retire(("one",)))

    assert sorted(world.target()) == ["helpers.py", "two.py"]


def test_what_is_not_in_the_target_is_not_retired(world: World) -> None:
    world.submit(world.dag("etl"))

    with pytest.raises(ConflictError, match="Not in 'prod': etl"):
        planned(world, Retire(("etl",)))


def test_a_dag_id_that_another_file_took_over_does_not_come_back_twice(world: World) -> None:
    version(world, 1)
    world.delete("etl.py")
    world.released("etl.py")
    world.write("moved.py", 'from airflow.sdk import DAG\nwith DAG(dag_id="etl"):\n    pass\n')
    world.released("moved.py")

    with pytest.raises(ConflictError, match=r"'etl', which 'moved.py' defines now"):
        planned(world, UndoRelease(2))


def test_a_row_that_is_busy_elsewhere_is_named(world: World) -> None:
    version(world, 1)
    version(world, 2)
    world.dag("etl", lines="x = 3")
    opened = world.waiting("etl.py")

    busy = planned(world, DagTarget("etl", 1)).busy

    assert [(b.path, b.version, b.release_id, b.is_rollback) for b in busy] == [
        ("etl.py", 3, opened.id, False)
    ]
