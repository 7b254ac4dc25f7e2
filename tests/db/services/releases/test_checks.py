"""What the pipeline asks and reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError, InvalidTransitionError, NotAllowedError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.releases import checks, creation, releases, work
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, FAILED, PASSED, PIPELINE, REVIEWER, World
from tests.harness.work_trees import candidate_files


def requested(world: World, name: str = "etl") -> Release:
    return world.request(world.submit(world.dag(name)))


def report(
    world: World, release: Release, kind: ReportKind, *, ask: bool = True, failed: bool = False
) -> None:
    checks.report(
        world.ctx,
        actor=world.task(release, TaskRole.CHECK if kind is ReportKind.CHECK else None),
        release_id=release.id,
        kind=kind,
        attempt=release.attempt,
        items=FAILED if failed else PASSED,
        ask=ask,
    )


def test_a_passed_check_opens_the_approval(world: World, clock: FrozenClock) -> None:
    release = world.report(requested(world))

    approval = latest_approval(world.ctx.session, "release", release.id)

    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert approval is not None
    assert approval.change_digest == release.change_digest
    assert approval.expires_at == release.expires_at == clock.advance(hours=24)


@pytest.mark.req("R36")
def test_the_approval_names_who_may_decide_and_who_never_may(world: World) -> None:
    both = [world.submit(world.dag("one"), DEV), world.submit(world.dag("two"), REVIEWER)]
    release = world.report(world.request(*both, reviewers=["admin"]))

    approval = latest_approval(world.ctx.session, "release", release.id)

    assert approval is not None
    assert approval.requirement.excluded == (DEV.id, REVIEWER.id)
    assert [person.name for person in approval.requirement.steps[0].eligible] == ["admin"]


@pytest.mark.req("R16")
def test_a_failed_check_fails_the_release_and_gives_the_versions_back(world: World) -> None:
    release = world.report(requested(world), FAILED)

    assert (release.state, release.state_reason) == (
        ReleaseState.FAILED,
        "Parses: ImportError: no module shop",
    )
    assert release.items[0].submission.state is SubmissionState.PENDING


def test_a_warning_fails_nothing(world: World) -> None:
    warning = CheckItem("References", CheckStatus.WARNING, detail="unknown pool")

    assert world.report(requested(world), [warning]).state is ReleaseState.AWAITING_APPROVAL


def test_a_report_about_another_attempt_is_a_conflict(world: World) -> None:
    release = world.report(requested(world), FAILED)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="is in attempt 2; this report is about attempt 1"):
        checks.report(
            world.ctx,
            actor=world.task(release, TaskRole.CHECK),
            release_id=release.id,
            kind=ReportKind.CHECK,
            attempt=1,
            items=PASSED,
        )


def test_a_release_that_does_not_check_takes_no_report(world: World) -> None:
    release = requested(world)
    releases.revoke(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="takes no more reports"):
        world.report(release)


@pytest.mark.parametrize("actor", [DEV, REVIEWER], ids=lambda actor: actor.name)
def test_only_the_pipeline_and_admins_report(world: World, actor: Actor) -> None:
    release = requested(world)

    for act in (
        lambda: checks.report(
            world.ctx, actor=actor, release_id=release.id, kind=ReportKind.CHECK, attempt=1, items=PASSED
        ),
        lambda: checks.request_approval(world.ctx, actor=actor, release_id=release.id),
        lambda: work.work_of(world.ctx, actor=actor, release_id=release.id),
        lambda: work.work_trees(world.ctx, actor=actor, release_id=release.id),
        lambda: checks.mark_errored(world.ctx, actor=actor, release_id=release.id, reason="x"),
    ):
        with pytest.raises(NotAllowedError):
            act()


def test_tests_between_check_and_approval_are_waited_for(world: World) -> None:
    release = requested(world)
    report(world, release, ReportKind.CHECK, ask=False)
    report(world, release, ReportKind.TEST)
    assert release.state is ReleaseState.CHECKING

    checks.request_approval(
        world.ctx, actor=world.task(release, TaskRole.REQUEST_APPROVAL), release_id=release.id
    )

    assert release.state is ReleaseState.AWAITING_APPROVAL


def test_a_failed_test_fails_a_release_whose_check_passed(world: World) -> None:
    release = requested(world)
    report(world, release, ReportKind.CHECK, ask=False)

    report(world, release, ReportKind.TEST, failed=True)

    assert release.state is ReleaseState.FAILED


def test_asking_for_approval_twice_opens_one(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    before = latest_approval(world.ctx.session, "release", release.id)

    checks.request_approval(
        world.ctx, actor=world.task(release, TaskRole.REQUEST_APPROVAL), release_id=release.id
    )

    assert latest_approval(world.ctx.session, "release", release.id) is before


def test_without_a_passed_check_nobody_is_asked(world: World) -> None:
    release = requested(world)
    report(world, release, ReportKind.TEST)

    with pytest.raises(ConflictError, match="no passed check in attempt 1"):
        checks.request_approval(
            world.ctx, actor=world.task(release, TaskRole.REQUEST_APPROVAL), release_id=release.id
        )


def test_a_check_of_an_earlier_attempt_does_not_count(world: World) -> None:
    release = requested(world)
    report(world, release, ReportKind.CHECK, ask=False)
    report(world, release, ReportKind.TEST, failed=True)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="no passed check in attempt 2"):
        checks.request_approval(
            world.ctx, actor=world.task(release, TaskRole.REQUEST_APPROVAL), release_id=release.id
        )


def test_a_revoked_release_is_not_brought_back_by_asking(world: World) -> None:
    release = world.waiting(world.dag("etl"))
    releases.revoke(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(InvalidTransitionError):
        checks.request_approval(
            world.ctx, actor=world.task(release, TaskRole.REQUEST_APPROVAL), release_id=release.id
        )


def test_the_tree_to_check_is_the_target_with_the_release_in_it(world: World) -> None:
    world.write("old_helper.py", "x = 1\n")
    world.released(world.dag("etl", lines="import old_helper"), world.dag("other"))
    world.dag("etl", lines="x = 2")
    release = world.request(world.submit("etl.py"))
    world.dag("etl", lines="x = 3")

    task = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)
    entries = candidate_files(world, release)
    files = {entry.path: world.store.read(entry.blob) for entry in entries}

    assert sorted(files) == ["etl.py", "other.py"]
    assert b"x = 2" in files["etl.py"]
    assert (task.dag_files, task.deleted, task.attempt) == (["etl.py"], ["old_helper.py"], 1)
    assert (task.base_commit, task.change_digest) == (world.head, release.change_digest)


def test_released_dags_that_a_changed_helper_touches_are_checked_too(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    world.released(world.dag("one", lines="import helpers"), world.dag("two", lines="import helpers"))
    world.write("helpers.py", "x = 2\n")
    release = world.request(world.submit("one.py"))

    assert work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).dag_files == [
        "one.py",
        "two.py",
    ]


def test_what_is_released_during_a_check_is_not_looked_for_in_a_tree_without_it(world: World) -> None:
    world.write("helpers.py", "x = 1\n")
    first = world.approved(world.dag("one", lines="import helpers"))
    second = world.request(world.submit(world.dag("two", lines="import helpers")))
    world.promote(first)

    assert work.work_of(world.ctx, actor=PIPELINE, release_id=second.id).dag_files == ["two.py"]


@pytest.mark.parametrize("actor", [PIPELINE, ADMIN], ids=lambda actor: actor.name)
def test_broken_machinery_ends_a_release_that_may_be_retried(world: World, actor: Actor) -> None:
    release = world.waiting(world.dag("etl"))

    by = world.task(release) if actor is PIPELINE else actor
    checks.mark_errored(world.ctx, actor=by, release_id=release.id, reason="the worker died")

    assert (release.state, release.state_reason) == (ReleaseState.ERRORED, "the worker died")
    assert release.state.can_be_retried
    with pytest.raises(ConflictError):
        world.decide(release)


def test_broken_machinery_leaves_what_has_ended_alone(world: World) -> None:
    release = world.released(world.dag("etl"))

    checks.mark_errored(world.ctx, actor=world.task(release), release_id=release.id, reason="late")

    assert release.state is ReleaseState.RELEASED


def parsed(path: str, *dag_ids: str) -> CheckItem:
    """What a worker reports of a file that defines these DAGs."""
    dags = [{"dag_id": dag_id} for dag_id in dag_ids]
    return CheckItem("parse", CheckStatus.PASSED, path, facts={"dags": dags})


@pytest.mark.req("R80")
class TestConfinement:
    def demanding(self, world: World) -> World:
        settings = replace(world.ctx.settings, require_confinement=True)
        return World(replace(world.ctx, settings=settings), world.twin)

    def test_a_check_that_was_not_confined_makes_the_release_errored_where_that_is_demanded(
        self, world: World
    ) -> None:
        world = self.demanding(world)
        open_ = CheckItem("confinement", CheckStatus.WARNING, facts={"is_whole": False})
        release = world.report(requested(world), [parsed("etl.py", "etl"), open_])

        assert release.state is ReleaseState.ERRORED
        assert "[release] require_confinement" in release.state_reason

    def test_a_worker_that_says_nothing_of_it_was_not(self, world: World) -> None:
        world = self.demanding(world)

        assert world.report(requested(world), [parsed("etl.py", "etl")]).state is ReleaseState.ERRORED

    def test_one_that_was_goes_on(self, world: World) -> None:
        world = self.demanding(world)
        shut = CheckItem("confinement", CheckStatus.PASSED, facts={"is_whole": True})
        release = world.report(requested(world), [parsed("etl.py", "etl"), shut])

        assert release.state is ReleaseState.AWAITING_APPROVAL

    def test_the_worker_is_told_the_limits_and_the_demand(self, world: World) -> None:
        world = self.demanding(world)
        task = work.work_of(world.ctx, actor=PIPELINE, release_id=requested(world).id)

        assert (task.timeout, task.start_timeout, task.file_timeout, task.memory_mb) == (600, 120, 60, 4096)
        assert task.require_confinement


@pytest.mark.parametrize("found", [["other"], ["etl", "other"]])
def test_a_file_that_defines_other_dags_in_the_target_fails(world: World, found: list[str]) -> None:
    release = world.report(requested(world), [parsed("etl.py", *found)])

    assert release.state is ReleaseState.FAILED
    assert "but etl was announced" in release.state_reason


def test_a_dag_id_that_another_bundle_serves_fails(world: World) -> None:
    world.twin.others["etl"] = DagFacts("etl", "etl.py", "legacy")

    release = world.report(requested(world), [parsed("etl.py", "etl")])

    assert release.state is ReleaseState.FAILED
    assert "Bundle 'legacy' serves a DAG 'etl' already" in release.state_reason


@pytest.mark.req("R82")
@pytest.mark.parametrize(
    ("bundle", "state"), [("legacy", ReleaseState.FAILED), ("prod", ReleaseState.AWAITING_APPROVAL)]
)
def test_a_file_that_appears_with_a_dag_id_of_another_bundle_fails(
    world: World, bundle: str, state: ReleaseState
) -> None:
    world.twin.others["beta"] = DagFacts("beta", "beta.py", bundle)
    facts = {"dag_ids": ["beta"], "appears": True}
    appears = CheckItem("also changes", CheckStatus.WARNING, "beta.py", "beta would be served", facts)

    release = world.report(requested(world), [parsed("etl.py", "etl"), appears])

    assert release.state is state
    assert bundle == "prod" or "Bundle 'legacy' serves a DAG 'beta' already" in release.state_reason


def test_the_worker_is_told_which_dags_the_target_serves(world: World) -> None:
    world.released(world.dag("one"), world.dag("two"))
    release = world.request(world.submit(world.dag("etl")))

    served = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).served

    assert served == {"one.py": ["one"], "two.py": ["two"]}


def test_the_announced_dags_pass(world: World) -> None:
    assert world.report(requested(world), [parsed("etl.py", "etl")]).state is ReleaseState.AWAITING_APPROVAL
