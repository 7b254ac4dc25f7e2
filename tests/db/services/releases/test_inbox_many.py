"""The inbox, and several decisions at once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import GateState, ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Gate, Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import deputies, flow_admin
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.releases.decisions import DecisionRequest
from airflow_release_plugin.services.runtime import audit
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, VIEWER, World, steps_of
from tests.harness.databases import counted
from tests.harness.flow_forms import OPERATOR, form, join, level, step


def gate_of(world: World, number: int) -> Gate:
    return world.gate(world.dag(f"gated{number}")[:-3])


def decide(
    world: World, *subjects: Release | Gate, actor: Actor = REVIEWER, verdict: Verdict = Verdict.APPROVE
) -> list[str]:
    """Decide on all; return the errors' codes."""
    named = [
        DecisionRequest(
            "release" if isinstance(subject, Release) else "gate", subject.id, subject.change_digest
        )
        for subject in subjects
    ]
    found = decisions.decide_many(
        world.ctx, actor=actor, subjects=named, verdict=verdict, comment="All of them"
    )
    assert [(d.subject, d.subject_id) for d in found] == [asked[:2] for asked in named]
    return [decided.error for decided in found]


@pytest.mark.req("R38")
def test_several_are_decided_with_one_comment(world: World) -> None:
    one, two, gate = world.waiting(world.dag("one")), world.waiting(world.dag("two")), gate_of(world, 1)

    assert decide(world, gate, two, one) == ["", "", ""]
    assert (one.state, two.state, gate.state) == (
        ReleaseState.APPROVED,
        ReleaseState.APPROVED,
        GateState.APPROVED,
    )
    approval = latest_approval(world.ctx.session, "release", two.id)
    assert approval is not None
    assert [decision.comment for decision in approval.decisions] == ["All of them"]


@pytest.mark.req("R38")
def test_a_refusal_undoes_nothing_else_and_leaves_the_trail_whole(world: World, clock: FrozenClock) -> None:
    expired = world.waiting(world.dag("expired"))
    clock.advance(hours=20)
    good, later = world.waiting(world.dag("good")), world.waiting(world.dag("later"))
    own = world.report(world.request(world.submit(world.dag("own"), DEV)))
    rejected = world.decide(world.waiting(world.dag("rejected")), verdict=Verdict.REJECT)
    clock.advance(hours=5)
    stale = [
        DecisionRequest("release", later.id, "0" * 64),
        DecisionRequest("release", 999, "0" * 64),
        DecisionRequest("gate", 999, "0" * 64),
    ]

    assert decide(world, good, expired, rejected, own) == ["", "expired", "conflict", ""]
    refused = decisions.decide_many(
        world.ctx, actor=REVIEWER, subjects=stale, verdict=Verdict.APPROVE, comment=""
    )
    assert [decided.error for decided in refused] == ["stale_digest", "not_found", "not_found"]
    assert decide(world, later) == [""]
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R38")
def test_the_same_thing_twice_is_decided_once(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    assert decide(world, release, release) == ["", ""]
    approval = latest_approval(world.ctx.session, "release", release.id)
    assert approval is not None
    assert len(approval.decisions) == 1


@pytest.mark.parametrize("actor", [DEV, VIEWER, PIPELINE])
def test_who_may_not_decide_on_one_may_not_on_many(world: World, actor: Actor) -> None:
    one, two = world.waiting(world.dag("one")), world.waiting(world.dag("two"))

    assert all(decide(world, one, two, actor=actor))
    assert {one.state, two.state} == {ReleaseState.AWAITING_APPROVAL}


@pytest.mark.req("R38")
def test_the_inbox_holds_what_one_may_decide_now_soonest_to_expire_first(
    world: World, clock: FrozenClock
) -> None:
    join(world, OPERATOR)
    flow_admin.create(
        world.ctx, actor=ADMIN, raw=form("Two", level(step(users=("operator",)), step("op")), kind="gate")
    )
    first = world.waiting(world.dag("first"))
    clock.advance(hours=1)
    second = world.waiting(world.dag("second"))
    gate = gate_of(world, 1)
    rejected = world.decide(world.waiting(world.dag("third")), verdict=Verdict.REJECT)

    def inbox(actor: Actor) -> list[tuple[str, int]]:
        return [(item.subject, item.subject_id) for item in decisions.inbox(world.ctx, actor=actor)]

    assert inbox(REVIEWER) == [("release", first.id), ("release", second.id)]
    assert inbox(OPERATOR) == [("release", first.id), ("release", second.id), ("gate", gate.id)]
    decide(world, gate, first, actor=OPERATOR)
    assert inbox(OPERATOR) == [("release", second.id)]
    assert inbox(REVIEWER) == [("release", second.id), ("gate", gate.id)]
    assert inbox(DEV) == inbox(PIPELINE) == inbox(VIEWER) == []
    assert rejected.id not in [number for _, number in inbox(REVIEWER)]


@pytest.mark.req("R37")
def test_a_gate_whose_task_waits_no_more_leaves_the_inbox(world: World) -> None:
    gate, other = gate_of(world, 1), gate_of(world, 2)
    world.twin.ended_tasks.add(TaskKey("gated1", "run", "task", -1, 1))

    lost_work.run_once(work=steps_of(world))

    assert [item.subject_id for item in decisions.inbox(world.ctx, actor=REVIEWER)] == [other.id]
    assert (gate.state, other.state) == (GateState.WITHDRAWN, GateState.OPEN)
    assert decide(world, gate) == ["conflict"]
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R38")
def test_the_inbox_costs_the_same_for_3_and_for_30_also_for_deputies(world: World, engine: Engine) -> None:
    now = world.ctx.clock()
    for deputy in ("viewer", "dev2"):
        deputies.name_deputy(
            world.ctx,
            actor=REVIEWER,
            person="reviewer",
            deputy=deputy,
            starts_at=now,
            ends_at=now + timedelta(days=3),
        )

    def cost(actor: Actor) -> tuple[int, int]:
        world.ctx.session.flush()
        world.ctx.session.expunge_all()
        with counted(engine) as statements:
            rows = decisions.inbox(world.ctx, actor=actor)
        return len(statements), len(rows)

    for number in range(3):
        world.waiting(world.dag(f"waiting{number}"))
        gate_of(world, number)
    few = [cost(actor) for actor in (REVIEWER, VIEWER)]
    for number in range(3, 15):
        world.waiting(world.dag(f"waiting{number}"))
        gate_of(world, number)
    many = [cost(actor) for actor in (REVIEWER, VIEWER)]

    assert [rows for _, rows in few] == [6, 6]
    assert [rows for _, rows in many] == [30, 30]
    assert [count for count, _ in few] == [count for count, _ in many]


def in_threads(
    world: World, factory: sessionmaker[Session], *works: tuple[Actor, list[DecisionRequest]]
) -> list[str]:
    """Let people decide at the same moment, each in a transaction of their own; return what they got."""
    start, outcomes = Barrier(len(works)), []

    def work(actor: Actor, subjects: list[DecisionRequest]) -> None:
        with factory() as session:
            mine = world.with_session(session)
            start.wait(20)
            try:
                found = decisions.decide_many(
                    mine.ctx, actor=actor, subjects=subjects, verdict=Verdict.APPROVE, comment=""
                )
                session.commit()
                outcomes.extend(decided.error for decided in found)
            except (OperationalError, StaleDataError, ReleaseError) as error:
                session.rollback()
                outcomes.append(str(error))

    threads = [Thread(target=work, args=each) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


@pytest.mark.parametrize("db_backend", ["postgresql"])
def test_two_people_who_decide_on_the_same_things_in_other_orders_do_not_block_each_other(
    session_factory: sessionmaker[Session], world: World
) -> None:
    join(world, OPERATOR)
    with session_factory() as session:
        mine = world.with_session(session)
        raw = form("Two", level(step("op", rule="quorum", quorum=2)))
        flow_admin.create(mine.ctx, actor=ADMIN, raw=raw)
        waiting = [mine.waiting(mine.dag(f"dag{number}")) for number in range(4)]
        subjects = [DecisionRequest("release", release.id, release.change_digest) for release in waiting]
        session.commit()

    outcomes = in_threads(
        world, session_factory, (REVIEWER, subjects), (OPERATOR, subjects[::-1]), (REVIEWER, subjects[1:2])
    )

    assert set(outcomes) == {""}
    with session_factory() as session:
        assert {session.get_one(Release, number).state for _, number, *_ in subjects} == {
            ReleaseState.APPROVED
        }
        assert audit.first_broken_link(world.with_session(session).ctx) is None


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_the_same_decision_from_two_windows_fills_no_quorum(
    session_factory: sessionmaker[Session], world: World
) -> None:
    join(world, OPERATOR)
    with session_factory() as session:
        mine = world.with_session(session)
        raw = form("Two", level(step("op", rule="quorum", quorum=2)))
        flow_admin.create(mine.ctx, actor=ADMIN, raw=raw)
        release = mine.waiting(mine.dag("etl"))
        subject = [DecisionRequest("release", release.id, release.change_digest)]
        session.commit()

    in_threads(world, session_factory, (REVIEWER, subject), (REVIEWER, subject), (REVIEWER, subject))

    with session_factory() as session:
        approval = latest_approval(session, "release", release.id)
        assert approval is not None
        assert len(approval.decisions) <= 1
        assert session.get_one(Release, release.id).state is ReleaseState.AWAITING_APPROVAL
