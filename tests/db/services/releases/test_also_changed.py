"""DAGs that a release changes without naming them: they count for the risk, and people agree to them."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError, StaleDigestError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.drift import lineage
from airflow_release_plugin.services.read_models import simulator
from airflow_release_plugin.services.releases import checks, creation
from airflow_release_plugin.services.versions import risk
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World
from tests.harness.flow_forms import LEAD, form, join, level, step

pytestmark = pytest.mark.req("R82")


def parsed(dag_id: str, **dag: object) -> CheckItem:
    facts = {"dags": [{"dag_id": dag_id, **dag}], "references": {}}
    return CheckItem("parse", CheckStatus.PASSED, f"{dag_id}.py", facts=facts)


def also(*dag_ids: str) -> list[CheckItem]:
    """What a check reports about files outside of the release, each with one DAG."""
    return [
        CheckItem(ALSO_CHANGES, CheckStatus.WARNING, f"{dag_id}.py", facts={"dag_ids": [dag_id]})
        for dag_id in dag_ids
    ]


def released(world: World, dag_id: str, **dag: object) -> None:
    release = world.request(world.submit(world.dag(dag_id)))
    world.promote(world.decide(world.report(release, [parsed(dag_id, **dag)])))


def requested(world: World) -> Release:
    return world.request(world.submit(world.dag("etl")))


def critical_flow(world: World) -> None:
    join(world, LEAD)
    raw = form("Critical", level(step("lead")), scope={"tags": ["critical"]})
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)


def test_they_bring_the_flow_that_they_would_need_themselves(world: World) -> None:
    released(world, "billing", tags=["critical"])
    critical_flow(world)

    items = [parsed("etl"), parsed("billing", schedule="@daily"), *also("billing")]
    release = world.report(requested(world), items)

    approval = approval_queries.latest_approval(world.ctx.session, "release", release.id)
    assert approval is not None
    assert approval.requirement.flow == "Critical"
    assert release.risk_json["per_dag_flows"] == {"billing": "Critical", "etl": "default"}
    reasons = dict(release.risk_json["reasons"])
    assert reasons["also_changes"] == ["Also changes billing"]
    assert reasons["schedule"] == ["billing: schedule none → @daily"]
    assert {"also_changes", "modified", "schedule"} <= set(release.risk_json["changes"])
    assert "unknown" not in release.risk_json["changes"]
    assert release.risk_json["impacted"] == ["billing"]
    kept = simulator.of_release(world.ctx, actor=ADMIN, release_id=release.id)
    assert (kept.facts, kept.applies.flow.name) == (risk.facts_of(world.ctx, release), "Critical")


def test_a_release_that_changes_nothing_else_stays_in_its_flow(world: World) -> None:
    released(world, "billing", tags=["critical"])
    critical_flow(world)

    release = world.report(requested(world), [parsed("etl"), parsed("billing", tags=["critical"])])

    approval = approval_queries.latest_approval(world.ctx.session, "release", release.id)
    assert approval is not None
    assert approval.requirement.flow == "default"
    assert release.risk_json["also_changed"] == []


def test_one_that_nobody_described_before_may_change_in_any_way(world: World) -> None:
    release = world.report(requested(world), [parsed("etl"), *also("billing")])

    reasons = dict(release.risk_json["reasons"])
    assert reasons["unknown"] == ["billing before", "billing now"]


def test_they_are_part_of_what_is_agreed_to_and_promoted(world: World) -> None:
    release = requested(world)
    asked = release.change_digest
    world.report(release, [parsed("etl"), *also("billing")])
    assert release.change_digest != asked
    with pytest.raises(StaleDigestError):
        world.decide(release, digest=asked)

    world.promote(world.decide(release))

    assert release.state is ReleaseState.RELEASED
    assert list(lineage.findings(world.ctx, "prod", world.head)) == []
    release.also_changes = ["other"]
    assert [finding.kind.value for finding in lineage.findings(world.ctx, "prod", world.head)] == [
        "unapproved"
    ]


def test_who_approved_them_cannot_be_made_to_have_approved_others(world: World) -> None:
    release = world.decide(world.report(requested(world), [parsed("etl"), *also("billing")]))
    release.also_changes = []

    with pytest.raises(StaleDigestError, match="no approval of exactly what it would promote"):
        world.promote(release)


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (["billing"], ReleaseState.APPROVED),
        (["billing", "costs"], ReleaseState.AWAITING_APPROVAL),
        (["costs"], ReleaseState.AWAITING_APPROVAL),
        ([], ReleaseState.AWAITING_APPROVAL),
    ],
)
def test_when_the_target_moved_on_the_approval_counts_for_the_same_ones_only(
    world: World, later: list[str], state: ReleaseState
) -> None:
    release = world.decide(world.report(requested(world), [parsed("etl"), *also("billing")]))
    released(world, "stranger")
    assert world.promote(release).state is ReleaseState.CHECKING

    world.report(release, [parsed("etl"), *also(*later)])

    assert release.state is state
    if state is ReleaseState.AWAITING_APPROVAL:
        assert "people are asked again" in release.state_reason
        assert all(dag_id in release.state_reason for dag_id in later)
    world.promote(release if state is ReleaseState.APPROVED else world.decide(release))
    assert release.state is ReleaseState.RELEASED


@pytest.mark.parametrize(
    ("later", "state"),
    [(["billing"], ReleaseState.APPROVED), ([], ReleaseState.AWAITING_APPROVAL)],
)
def test_when_our_machinery_broke_the_approval_counts_for_the_same_ones_only(
    world: World, clock: FrozenClock, later: list[str], state: ReleaseState
) -> None:
    release = world.decide(world.report(requested(world), [parsed("etl"), *also("billing")]))
    checks.mark_errored(world.ctx, actor=ADMIN, release_id=release.id, reason="The worker is gone.")
    clock.advance(minutes=1)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert world.report(release, [parsed("etl"), *also(*later)]).state is state


def test_names_that_cannot_be_read_are_refused(world: World) -> None:
    bad = CheckItem(ALSO_CHANGES, CheckStatus.WARNING, "billing.py", facts={"dag_ids": 7})

    with pytest.raises(InvalidRequestError, match="not readable"):
        world.report(requested(world), [parsed("etl"), bad])
