"""What was decided lately under a flow: its own decisions, newest first, of what one may see."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import flow_decisions
from airflow_release_plugin.services.releases import decisions
from tests.harness.context import ADMIN, DEV, REVIEWER, VIEWER, World
from tests.harness.flow_forms import form


def test_decisions_on_releases_and_gates_stand_with_their_flow_the_newest_first(world: World) -> None:
    flow = flow_admin.create(world.ctx, actor=ADMIN, raw=form("Mine", scope={"dag_ids": ["mine"]}))
    mine, other = world.waiting(world.dag("mine")), world.waiting(world.dag("other"))
    world.decide(mine, verdict=Verdict.REJECT, comment="Not on a Friday")
    world.decide(other)
    gate = world.gate("other")
    decisions.decide_gate(
        world.ctx,
        actor=REVIEWER,
        gate_id=gate.id,
        verdict=Verdict.APPROVE,
        change_digest=gate.change_digest,
    )
    flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=flow.id or 0, enabled=False)

    (row,) = flow_decisions.decided_lately(world.ctx, actor=ADMIN, flow_id=flow.id)
    builtin = flow_decisions.decided_lately(world.ctx, actor=ADMIN, flow_id=None)
    assert row.release is mine
    assert (row.revision, row.level, row.decision.comment) == (1, "Standard", "Not on a Friday")
    assert [each.release or each.gate for each in builtin] == [gate, other]


def test_they_are_the_last_ten(world: World) -> None:
    for number in range(12):
        world.decide(world.waiting(world.dag(f"dag{number}")))

    found = flow_decisions.decided_lately(world.ctx, actor=ADMIN, flow_id=None)
    assert [row.release.id for row in found if row.release] == list(range(12, 2, -1))


@pytest.mark.req("R30")
def test_who_may_not_see_a_release_or_a_gate_does_not_see_what_was_decided_on_it(world: World) -> None:
    release = world.decide(world.waiting(world.dag("etl")))
    gate = world.gate("etl")
    decisions.decide_gate(
        world.ctx,
        actor=REVIEWER,
        gate_id=gate.id,
        verdict=Verdict.APPROVE,
        change_digest=gate.change_digest,
    )
    hidden = (DagAccess.READ, "etl"), (DagAccess.READ, "dev.etl")
    world.twin.refused |= {(actor.id, *each) for actor in (VIEWER, DEV) for each in hidden}

    assert flow_decisions.decided_lately(world.ctx, actor=VIEWER, flow_id=None) == []
    (own,) = flow_decisions.decided_lately(world.ctx, actor=DEV, flow_id=None)
    assert own.release is release
