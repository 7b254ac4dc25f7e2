"""Every open state that a run can leave behind, and every way in which that run can die."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, NamedTuple

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import ApprovalState, GateState, ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.releases import checks, creation, decisions, releases
from airflow_release_plugin.services.runtime import audit, leases
from tests.conftest import BACKENDS
from tests.harness.context import ADMIN, DEV, FAILED, REVIEWER, World, steps_of
from tests.harness.databases import counted
from tests.harness.lost_runs import LONG_AGO, Pipelines, with_pipelines

A_MOMENT = timedelta(minutes=5)
"""Less than ``[release] pipeline_patience``."""


class Clock:
    """The present, as Airflow's own tables have it, and what is added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(timezone.utc) + self.ahead


@pytest.fixture
def now() -> Clock:
    return Clock()


@pytest.fixture
def pipelines(world: World, now: Clock) -> Pipelines:
    return with_pipelines(world, now)


def checking(pipelines: Pipelines) -> Release:
    world = pipelines.world
    release = world.request(world.submit(world.dag("etl")))
    pipelines.begin(release, check="running")
    return release


def approved(pipelines: Pipelines) -> Release:
    release = pipelines.world.approved(pipelines.world.dag("etl"))
    pipelines.begin(release, check="success", await_approval="deferred")
    return release


OPEN: dict[str, Callable[[Pipelines], Release]] = {"checking": checking, "approved": approved}
TASK = {"checking": "check", "approved": "promote"}
REST = ("verify", "run", "soak")


class Way(NamedTuple):
    """A way to die: what happens, and what people are told of it."""

    dies: Callable[[Pipelines, Release], None]
    says: str


def task_failed(state: str) -> Callable[[Pipelines, Release], None]:
    def dies(pipelines: Pipelines, release: Release) -> None:
        broken = TASK[release.state.value]
        others = dict.fromkeys(("check", "await_approval"), "success")
        given_up = dict.fromkeys(("promote", *REST), "upstream_failed")
        if broken == "check":
            given_up["await_approval"] = "upstream_failed"
        pipelines.set_tasks(release, **{**others, **given_up, broken: state})

    return dies


def run_failed(pipelines: Pipelines, release: Release) -> None:
    task_failed("failed")(pipelines, release)
    pipelines.end(release, "failed")


def run_succeeded_without(pipelines: Pipelines, release: Release) -> None:
    names = pipelines.tasks(release)
    pipelines.end(release, "success", **dict.fromkeys(names, "success"))


def never_created(pipelines: Pipelines, release: Release) -> None:
    pipelines.delete_run(release)
    release.pipeline_run_id = None
    pipelines.session.flush()


def never_began(pipelines: Pipelines, release: Release, **dag: bool) -> None:
    run = pipelines.run_of(release)
    run.state, run.start_date, run.last_scheduling_decision = "queued", None, None
    pipelines.set_tasks(release, **dict.fromkeys(pipelines.tasks(release)))
    pipelines.ages(release)
    pipelines.mark_dag(**dag)


def no_scheduler(pipelines: Pipelines, release: Release) -> None:
    never_began(pipelines, release)
    pipelines.beat(LONG_AGO, "SchedulerJob")


def no_triggerer(pipelines: Pipelines, release: Release) -> None:
    pipelines.set_tasks(release, check="success", await_approval="deferred")
    pipelines.beat(LONG_AGO, "TriggererJob")


def paused_in_the_middle(pipelines: Pipelines, release: Release) -> None:
    pipelines.ages(release)
    pipelines.mark_dag(is_paused=True)


WAYS = {
    "the run failed": Way(
        run_failed, "has ended, 'failed', and left it open: task '{task}' is 'failed' (try 3)"
    ),
    "the run ended well": Way(run_succeeded_without, "its Dag lacks a task that goes on with the release"),
    "the run was deleted": Way(lambda p, r: p.delete_run(r), "is not in Airflow: it was deleted"),
    "a task failed": Way(
        task_failed("failed"), "all of its tasks have ended and left it open: task '{task}'"
    ),
    "a task was removed": Way(task_failed("removed"), "task '{task}' is 'removed' (try 1)"),
    "a task was given up": Way(task_failed("upstream_failed"), "'{task}' is 'upstream_failed'"),
    "there never was a run": Way(
        never_created, "A run of 'release_pipeline', which worked on it, is not in Airflow"
    ),
    "the Dag was paused": Way(
        lambda p, r: never_began(p, r, is_paused=True), "is paused. Unpause it in Airflow"
    ),
    "the Dag was paused in the middle": Way(
        paused_in_the_middle, "is 'running' and does not go on: that Dag is paused"
    ),
    "the Dag is gone": Way(lambda p, r: never_began(p, r, is_stale=True), "does not know that Dag any more"),
    "no scheduler": Way(
        no_scheduler, "is 'queued' and does not go on: no scheduler of Airflow gives a sign since"
    ),
    "no triggerer": Way(no_triggerer, "no triggerer of Airflow gives a sign since"),
}


def mend(pipelines: Pipelines) -> None:
    pipelines.mark_dag(is_paused=False, is_stale=False)
    pipelines.beat()


@pytest.mark.req("R8", "R89")
@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", OPEN)
def test_a_release_whose_run_is_lost_becomes_errored_and_its_retry_works_to_the_end(
    pipelines: Pipelines, state: str, way: str
) -> None:
    world, (dies, says) = pipelines.world, WAYS[way]
    release = OPEN[state](pipelines)
    name = release.pipeline_run_id
    assert pipelines.look_twice() == 0

    dies(pipelines, release)
    ended = pipelines.look_twice()

    assert (ended, release.state) == (1, ReleaseState.ERRORED)
    assert says.format(task=TASK[state]) in release.state_reason
    assert way == "there never was a run" or repr(name) in release.state_reason
    assert release.state_reason.endswith("Then retry the release.")
    assert pipelines.look_twice() == 0

    mend(pipelines)
    assert "retry" in release_page.get_release(world.ctx, actor=DEV, release_id=release.id).actions
    creation.retry(world.ctx, actor=DEV, release_id=release.id)
    pipelines.begin(release, check="running")
    assert pipelines.look_twice() == 0
    world.report(release)
    if state == "checking":
        world.decide(release)
    assert world.promote(release).state is ReleaseState.RELEASED
    assert audit.first_broken_link(world.ctx) is None


ALIVE: dict[str, Callable[[Pipelines, Release], None]] = {
    "queued for hours in an Airflow that works": never_began,
    "a task waits for a worker": lambda p, r: p.set_tasks(r, check="queued"),
    "a task is tried again": lambda p, r: p.set_tasks(r, check="up_for_retry"),
    "a task was cleared after the others failed": lambda p, r: (
        task_failed("failed")(p, r),
        p.set_tasks(r, check=None),
    )[0],
    "a scheduler that is slow": lambda p, r: p.beat(A_MOMENT),
    "a Dag that was paused just now": lambda p, r: p.mark_dag(is_paused=True),
    "a Dag that is parsed anew": lambda p, r: p.mark_dag(is_stale=True),
}


@pytest.mark.parametrize("way", ALIVE)
@pytest.mark.parametrize("state", OPEN)
def test_what_only_takes_long_is_waited_for(pipelines: Pipelines, state: str, way: str) -> None:
    release = OPEN[state](pipelines)

    ALIVE[way](pipelines, release)

    assert (pipelines.look_twice(), release.state.value) == (0, state)


def test_a_clock_that_is_wrong_makes_no_scheduler_dead(pipelines: Pipelines, now: Clock) -> None:
    release = approved(pipelines)
    now.ahead = timedelta(hours=3)

    for _ in range(3):
        pipelines.beat()
        assert pipelines.look() == 0
    assert release.state is ReleaseState.APPROVED


def test_a_loss_counts_when_it_is_seen_twice_whoever_looks(pipelines: Pipelines, now: Clock) -> None:
    release = checking(pipelines)
    run_failed(pipelines, release)

    assert pipelines.look(by="one") == 0
    assert pipelines.look(by="two") == 0, "the lease is another one's"
    now.ahead = timedelta(minutes=1)
    assert pipelines.look(by="two") == 1


def test_a_task_may_say_itself_why_it_failed(pipelines: Pipelines) -> None:
    release = checking(pipelines)
    run_failed(pipelines, release)
    pipelines.look()

    by = pipelines.world.task(release)
    checks.mark_errored(
        pipelines.world.ctx, actor=by, release_id=release.id, reason="Task 'check' failed: no disk"
    )

    assert pipelines.look() == 0
    assert release.state_reason == "Task 'check' failed: no disk"


def test_what_waits_for_its_time_is_not_errored_while_its_pipeline_is_paused(
    pipelines: Pipelines, now: Clock
) -> None:
    world = pipelines.world
    later = now() + timedelta(hours=5)
    release = world.decide(world.report(world.request(world.submit(world.dag("etl")), scheduled_at=later)))
    pipelines.begin(release, check="success", await_approval="deferred")
    paused_in_the_middle(pipelines, release)

    assert (pipelines.look_twice(), release.state) == (0, ReleaseState.APPROVED)
    pipelines.delete_run(release)
    assert (pipelines.look_twice(), release.state) == (1, ReleaseState.ERRORED)


def test_people_go_on_deciding_though_the_run_is_lost_and_are_not_asked_again(pipelines: Pipelines) -> None:
    world = pipelines.world
    release = world.waiting(world.dag("etl"))
    pipelines.delete_run(release)

    assert (pipelines.look_twice(), release.state) == (0, ReleaseState.AWAITING_APPROVAL)
    world.decide(release)
    assert (pipelines.look_twice(), release.state) == (1, ReleaseState.ERRORED)
    world.report(creation.retry(world.ctx, actor=DEV, release_id=release.id))
    assert world.promote(release).state is ReleaseState.RELEASED


class TestApprovals:
    """What people approved counts for the same change, target and time, and for nothing else."""

    @pytest.fixture
    def lost(self, pipelines: Pipelines) -> Release:
        release = approved(pipelines)
        pipelines.delete_run(release)
        pipelines.look_twice()
        return release

    @pytest.fixture
    def world(self, pipelines: Pipelines) -> World:
        return pipelines.world

    def retried(self, world: World, release: Release) -> ReleaseState:
        world.report(creation.retry(world.ctx, actor=DEV, release_id=release.id))
        return release.state

    def kept(self, world: World, release: Release) -> bool:
        events = release_page.get_events(world.ctx, actor=ADMIN, release_id=release.id).items
        (event,) = [event for event in events if event.tag is EventTag.RELEASE_RETRIED]
        return bool(event.data["approval_kept"])

    def test_is_kept_and_the_trail_says_so(self, world: World, lost: Release) -> None:
        until = release_page.get_release(world.ctx, actor=DEV, release_id=lost.id).kept_until

        assert until == latest_approval(world.ctx.session, "release", lost.id).closed_at + timedelta(hours=24)
        assert self.retried(world, lost) is ReleaseState.APPROVED
        assert lost.expires_at == until, "another attempt does not begin the time anew"
        assert self.kept(world, lost)

    def test_ends_with_its_time(self, world: World, lost: Release, now: Clock) -> None:
        now.ahead = timedelta(hours=25)

        assert self.retried(world, lost) is ReleaseState.AWAITING_APPROVAL
        assert not self.kept(world, lost)

    def test_ends_when_the_target_changed_under_it(self, world: World, lost: Release) -> None:
        other = world.request(world.submit(world.dag("etl2", lines="import shared")))
        world.promote(world.decide(world.report(other)))
        assert self.retried(world, lost) is ReleaseState.APPROVED, "what it relies on is the same"

    def test_ends_when_a_file_of_it_was_released_meanwhile(self, world: World) -> None:
        world.write("shared.py", "x = 1\n")
        one = world.approved(world.dag("one", lines="import shared"))
        two = world.approved(world.dag("two", lines="import shared"))
        checks.mark_errored(world.ctx, actor=world.task(one), release_id=one.id, reason="no disk")
        world.promote(two)

        assert self.retried(world, one) is ReleaseState.AWAITING_APPROVAL
        assert not self.kept(world, one)

    def test_is_withdrawn_when_people_take_the_release_back(self, world: World, lost: Release) -> None:
        releases.revoke(world.ctx, actor=REVIEWER, release_id=lost.id)

        approval = latest_approval(world.ctx.session, "release", lost.id)
        assert (lost.state, approval.state) == (ReleaseState.REVOKED, ApprovalState.WITHDRAWN)
        with pytest.raises(ConflictError):
            creation.retry(world.ctx, actor=DEV, release_id=lost.id)

    def test_does_not_survive_a_check_that_said_no(self, world: World, pipelines: Pipelines) -> None:
        release = approved(pipelines)
        world.released(world.dag("other"))
        world.promote(release)  # the target moved on: it is checked again
        world.report(release, FAILED)

        assert release.state is ReleaseState.FAILED
        assert self.retried(world, release) is ReleaseState.AWAITING_APPROVAL


class TestGates:
    """A gate is left by people; only one at which no task waits any more is lost."""

    def gate(self, pipelines: Pipelines, release: Release, task_id: str = "soak") -> Any:
        pipelines.set_tasks(release, **{task_id: "deferred"})
        return pipelines.world.gate_of(
            TaskKey("release_pipeline", str(release.pipeline_run_id), task_id, -1, 1)
        )

    @pytest.fixture
    def release(self, pipelines: Pipelines) -> Release:
        release = pipelines.world.request(pipelines.world.submit(pipelines.world.dag("etl")))
        pipelines.begin(release, check="running")
        return release

    WAYS: ClassVar[dict[str, tuple[Callable[[Pipelines, Release], None], str]]] = {
        "the task failed": (
            lambda p, r: p.set_tasks(r, soak="upstream_failed"),
            "the task is 'upstream_failed'",
        ),
        "the task was marked": (lambda p, r: p.set_tasks(r, soak="success"), "the task is 'success'"),
        "the task was removed": (lambda p, r: p.set_tasks(r, soak="removed"), "the task is 'removed'"),
        "the task was cleared": (lambda p, r: p.set_tasks(r, soak=None), "the task is 'none'"),
        "another try began": (
            lambda p, r: setattr(p.tasks(r)["soak"], "try_number", 2),
            "the task is in try 2 now",
        ),
        "the run was deleted": (
            lambda p, r: p.delete_run(r),
            "it was deleted. A new run of the Dag asks anew.",
        ),
    }

    @pytest.mark.req("R89")
    @pytest.mark.parametrize("db_backend", BACKENDS)
    @pytest.mark.parametrize("way", WAYS)
    def test_whose_task_waits_no_more_is_withdrawn(
        self, pipelines: Pipelines, release: Release, way: str
    ) -> None:
        gate = self.gate(pipelines, release)
        dies, says = self.WAYS[way]
        assert pipelines.look() == 0

        dies(pipelines, release)
        pipelines.session.flush()
        pipelines.look()

        approval = latest_approval(pipelines.session, "gate", gate.id)
        assert (gate.state, approval.state) == (GateState.WITHDRAWN, ApprovalState.WITHDRAWN)
        assert says in gate.state_reason
        assert f"task 'soak' in the run {release.pipeline_run_id!r}" in gate.state_reason
        assert gate.state_reason.endswith("anew.")
        assert audit.first_broken_link(pipelines.world.ctx) is None

    @pytest.mark.parametrize("way", ["paused", "no scheduler"])
    def test_stays_open_while_its_task_waits(self, pipelines: Pipelines, release: Release, way: str) -> None:
        gate = self.gate(pipelines, release)
        pipelines.mark_dag(is_paused=way == "paused")
        pipelines.beat(timedelta(0) if way == "paused" else LONG_AGO)
        pipelines.look_twice()

        assert gate.state is GateState.OPEN

    def test_the_task_can_be_cleared_and_asks_anew(self, pipelines: Pipelines, release: Release) -> None:
        gate = self.gate(pipelines, release)
        pipelines.set_tasks(release, soak="failed")
        pipelines.look()

        asked = pipelines.world.gate_of(TaskKey("release_pipeline", gate.run_id, "soak", -1, 3))

        assert (asked.state, asked.id != gate.id) == (GateState.OPEN, True)

    def test_the_inbox_writes_nothing(self, pipelines: Pipelines, release: Release, engine: Engine) -> None:
        self.gate(pipelines, release)
        pipelines.delete_run(release)
        pipelines.session.flush()

        with counted(engine) as statements:
            decisions.inbox(pipelines.world.ctx, actor=REVIEWER)

        assert [line for line in statements if not line.lstrip().upper().startswith("SELECT")] == []


class TestCost:
    """A look costs the same for three releases and gates as for thirty."""

    def fill(self, pipelines: Pipelines, rows: range) -> None:
        for row in rows:
            release = pipelines.world.request(pipelines.world.submit(pipelines.world.dag(f"etl{row}")))
            pipelines.begin(release, check="running", soak="deferred")
            run_id = str(release.pipeline_run_id)
            pipelines.world.gate_of(TaskKey("release_pipeline", run_id, "soak", -1, 1))

    def look(self, pipelines: Pipelines, engine: Engine) -> int:
        pipelines.session.flush()
        pipelines.session.expunge_all()
        with counted(engine) as statements:
            pipelines.look()
        return len(statements)

    def test_of_a_look(self, pipelines: Pipelines, engine: Engine) -> None:
        self.fill(pipelines, range(3))
        pipelines.look()
        few = self.look(pipelines, engine)
        self.fill(pipelines, range(3, 30))

        assert self.look(pipelines, engine) == few <= 16

    def test_of_a_gate_that_is_withdrawn(self, pipelines: Pipelines, engine: Engine) -> None:
        def cost(rows: range) -> int:
            from airflow.models.taskinstance import TaskInstance
            from sqlalchemy import update

            self.fill(pipelines, rows)
            pipelines.session.execute(
                update(TaskInstance).where(TaskInstance.task_id == "soak").values(state="failed")
            )
            return self.look(pipelines, engine)

        few, many = cost(range(3)), cost(range(3, 33))

        # A gate and its approval change, each in a statement of its own; the trail comes in one.
        assert many - few <= 2 * 27

    def test_nothing_is_looked_at_under_the_lease_of_another(
        self, pipelines: Pipelines, engine: Engine
    ) -> None:
        self.fill(pipelines, range(3))
        pipelines.look(by="one")
        pipelines.session.flush()

        with counted(engine) as statements:
            lost_work.run_once(work=steps_of(pipelines.world), by="two")

        assert len(statements) <= 6


class TestLease:
    def take(self, pipelines: Pipelines, by: str) -> bool:
        return leases.take(pipelines.world.ctx, "a duty", timedelta(seconds=30), by=by) is not None

    def test_is_one_ones_until_it_is_over(self, pipelines: Pipelines, now: Clock) -> None:
        assert [self.take(pipelines, by) for by in ("one", "two", "one")] == [True, False, True]
        now.ahead = timedelta(seconds=31)
        assert [self.take(pipelines, by) for by in ("two", "one")] == [True, False]

    def test_of_a_clock_that_was_wrong_counts_for_nothing(self, pipelines: Pipelines, now: Clock) -> None:
        now.ahead = timedelta(days=1)
        self.take(pipelines, "one")
        now.ahead = timedelta(0)

        assert self.take(pipelines, "two")
