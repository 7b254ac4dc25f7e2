"""The recipes of the documentation do what they say."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import SYSTEM, Actor, Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import (
    FrozenError,
    NotAllowedError,
    ReleaseError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Event, Notification, Release
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import flow_files
from airflow_release_plugin.services.read_models import inbox, simulator
from airflow_release_plugin.services.releases import emergencies
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, World

pytestmark = pytest.mark.req("R30", "R32", "R36", "R41")
PAGE = Path(__file__).resolve().parents[4] / "docs/how-to/recipes.md"

REVIEWER = Actor("11", "rita", frozenset({"Reviewer"}))
PLATFORM = [Actor("12", "paul", frozenset({"Platform"})), Actor("13", "pia", frozenset({"Platform"}))]
OWNERS = [Actor("14", "olga", frozenset({"Data owner"})), Actor("15", "otto", frozenset({"Data owner"}))]
BOTH = Actor("16", "bea", frozenset({"Platform", "Data owner"}))
ON_CALL = Actor("17", "carl", frozenset({"On call"}))
ON_CALL2 = Actor("18", "cleo", frozenset({"On call"}))
ENGINEERS = [Actor("20", "eva", frozenset({"Engineer"})), Actor("21", "eli", frozenset({"Engineer"}))]
LEAD = Actor("22", "lea", frozenset({"Engineer", "Lead"}))
RISK = Actor("23", "rik", frozenset({"Risk"}))
BACKEND = Actor("24", "ben", frozenset({"Backend"}))
FULL_STACK = Actor("25", "fay", frozenset({"Backend", "Database"}))
SAM = Actor("26", "sam", frozenset())
SECURITY = Actor("27", "sol", frozenset({"Security"}))
AUTHOR = Actor("1", "dev", frozenset({"user", "Reviewer", "Platform", "On call"}))


@pytest.fixture
def world(world: World) -> World:
    """The author holds the roles that decide, too: it must not help."""
    people = [REVIEWER, *PLATFORM, *OWNERS, BOTH, ON_CALL, ON_CALL2, AUTHOR, ADMIN, PIPELINE]
    people += [*ENGINEERS, LEAD, RISK, BACKEND, FULL_STACK, SAM, SECURITY]
    world.twin.users = {actor.id: Person(actor.id, actor.name, actor.roles) for actor in people}
    return world


def recipe(heading: str) -> bytes:
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```yaml\n(.*?)```", section, re.S)
    return str(block).encode()


def use(world: World, heading: str) -> None:
    flow_files.apply_flows(world.ctx, actor=SYSTEM, data=recipe(heading))


def waiting(world: World, *paths: str, reviewer: str) -> Release:
    chosen = [world.submit(path, AUTHOR) for path in paths]
    release = world.request(*chosen, actor=AUTHOR, reviewers=[reviewer])
    return world.report(release)


def refused(world: World, release: Release, actor: Actor) -> type[ReleaseError]:
    with pytest.raises(ReleaseError) as caught:
        world.decide(release, actor)
    return type(caught.value)


def decided_by(world: World, release: Release) -> list[str]:
    approval = latest_approval(world.ctx.session, "release", release.id)
    assert approval is not None
    return [decision.actor_name for decision in approval.decisions]


def test_every_recipe_is_tried_here() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text(), re.M)
    tests = Path(__file__).read_text()

    assert len(headings) == 7
    assert [heading for heading in headings if f'use(world, "{heading}")' not in tests] == []


def test_four_eyes(world: World) -> None:
    use(world, "Four eyes")
    release = waiting(world, world.dag("etl"), reviewer="rita")

    assert refused(world, release, AUTHOR) is SelfApprovalError
    assert refused(world, release, PLATFORM[0]) is NotAllowedError
    assert world.decide(release, REVIEWER).state is ReleaseState.APPROVED
    rollback = simulator.of_dag(world.ctx, actor=DEV, dag_id="etl", kind=ReleaseKind.ROLLBACK)
    assert rollback.applies.flow.name == "Four eyes for rollbacks"


def test_quorum_of_two_teams(world: World, clock: FrozenClock) -> None:
    use(world, "Quorum of two teams")
    release = waiting(world, world.dag("etl"), reviewer="paul")

    assert refused(world, release, OWNERS[0]) is NotAllowedError
    world.decide(release, BOTH)
    world.decide(release, PLATFORM[0])
    # The same verdict again is a second click, and no decision of its own.
    world.decide(release, BOTH)
    assert decided_by(world, release) == ["bea", "paul"]
    world.decide(release, OWNERS[0])
    assert refused(world, release, PLATFORM[1]) is NotAllowedError
    clock.advance(hours=48)
    world.decide(release, PLATFORM[0])
    assert decided_by(world, release) == ["bea", "paul", "olga"]
    assert world.decide(release, PLATFORM[1]).state is ReleaseState.APPROVED


def test_one_no_of_either_team_is_a_no(world: World) -> None:
    use(world, "Quorum of two teams")
    release = waiting(world, world.dag("etl"), reviewer="paul")
    world.decide(release, PLATFORM[0])

    assert world.decide(release, PLATFORM[1], Verdict.REJECT).state is ReleaseState.REJECTED


@pytest.mark.parametrize(
    ("tags", "change", "level", "needed"),
    [
        ("", ChangeFact.MODIFIED, "Ordinary", [1]),
        ("", ChangeFact.NEW, "New or removed", [1]),
        ('tags=["critical"]', ChangeFact.MODIFIED, "Critical", [1, 3]),
        ('tags=["critical"]', ChangeFact.NEW, "Critical", [1, 3]),
    ],
)
def test_criticality_by_tag(
    world: World, tags: str, change: ChangeFact, level: str, needed: list[int]
) -> None:
    use(world, "Criticality by tag")
    world.dag("etl", lines=f"# {tags}")

    found = simulator.of_dag(world.ctx, actor=DEV, dag_id="etl", changes=[change])

    assert found.applies.flow.levels[(found.applies.level or 0) - 1].name == level
    assert [step.needed for step in found.steps] == needed
    assert found.unmet == ()


def test_a_package_is_as_critical_as_its_most_critical_dag(world: World) -> None:
    use(world, "Criticality by tag")
    world.dag("payments", lines='# tags=["critical"]')

    release = waiting(world, world.dag("etl"), "payments.py", reviewer="rita")

    world.decide(release, REVIEWER)
    for owner in (*OWNERS, BOTH):
        assert release.state is ReleaseState.AWAITING_APPROVAL
        world.decide(release, owner)
    assert release.state is ReleaseState.APPROVED


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 3, 6, 11, 0, tzinfo=timezone.utc), datetime(2026, 3, 9, 5, 0, tzinfo=timezone.utc)),
        (datetime(2026, 12, 31, 9, 0, tzinfo=timezone.utc), datetime(2027, 1, 4, 5, 0, tzinfo=timezone.utc)),
    ],
)
def test_friday_freeze(world: World, clock: FrozenClock, now: datetime, opens: datetime) -> None:
    use(world, "Friday freeze")
    clock.now = now
    release = world.decide(waiting(world, world.dag("etl"), reviewer="rita"), REVIEWER)

    with pytest.raises(FrozenError) as caught:
        world.promote(release)

    assert datetime.fromisoformat(caught.value.context["until"]) == opens
    clock.now = opens
    assert world.promote(release).state is ReleaseState.RELEASED


def test_on_other_days_releases_go_out(world: World) -> None:
    use(world, "Friday freeze")
    release = world.decide(waiting(world, world.dag("etl"), reviewer="rita"), REVIEWER)

    assert world.promote(release).state is ReleaseState.RELEASED


def test_emergency(world: World, clock: FrozenClock) -> None:
    use(world, "Emergency")
    clock.now = datetime(2026, 3, 7, 9, 0, tzinfo=timezone.utc)
    release = waiting(world, world.dag("etl"), reviewer="rita")

    with pytest.raises(SelfApprovalError):
        world.break_glass(release, AUTHOR)
    with pytest.raises(NotAllowedError):
        world.break_glass(release, REVIEWER)
    assert world.promote(world.break_glass(release, ON_CALL)).state is ReleaseState.RELEASED

    tags = set(world.ctx.session.scalars(select(Event.tag)))
    assert EventTag.RELEASE_GLASS_BROKEN in tags
    (told,) = world.ctx.session.scalars(select(Notification))
    assert (told.notice["actor"], told.notice["reason"]) == (
        "carl",
        "Orders are not being shipped.",
    )


MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=timezone.utc)
EVENING = datetime(2026, 3, 3, 20, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize("lead_comes", ["first", "last"])
def test_a_bank(world: World, clock: FrozenClock, lead_comes: str) -> None:
    use(world, "A bank")
    clock.now = MORNING
    release = waiting(world, world.dag("etl"), reviewer="olga")

    world.decide(release, OWNERS[0])
    world.decide(release, LEAD if lead_comes == "first" else ENGINEERS[0])
    if lead_comes == "last":
        # Two engineers without a lead are not enough, however many want to.
        assert refused(world, release, ENGINEERS[1]) is NotAllowedError
    assert refused(world, release, RISK) is NotAllowedError
    world.decide(release, ENGINEERS[0] if lead_comes == "first" else LEAD)
    assert world.promote(release).state is ReleaseState.RELEASED


def test_a_bank_asks_risk_about_what_is_critical_when_the_others_agreed(
    world: World, clock: FrozenClock
) -> None:
    use(world, "A bank")
    clock.now = EVENING
    release = waiting(world, world.dag("pay", lines='# tags=["critical"]'), reviewer="rik")

    world.decide(release, ENGINEERS[0])
    world.decide(release, LEAD)
    assert refused(world, release, RISK) is NotAllowedError
    world.decide(release, OWNERS[0])
    assert world.decide(release, RISK).state is ReleaseState.APPROVED
    with pytest.raises(FrozenError):
        world.promote(release)
    clock.advance(hours=11)
    assert world.promote(release).state is ReleaseState.RELEASED


def test_an_emergency_at_a_bank_takes_two_and_a_review(world: World, clock: FrozenClock) -> None:
    use(world, "A bank")
    clock.now = EVENING
    release = waiting(world, world.dag("etl"), reviewer="olga")

    world.break_glass(release, ON_CALL)
    assert release.state is ReleaseState.AWAITING_APPROVAL
    world.break_glass(release, ON_CALL2, "I see it, too.")
    assert world.promote(release).state is ReleaseState.RELEASED
    assert decided_by(world, release) == ["carl", "cleo"]
    assert inbox.get_inbox(world.ctx, actor=ON_CALL).emergencies == ()
    (open_one,) = inbox.get_inbox(world.ctx, actor=OWNERS[0]).emergencies
    emergencies.review(
        world.ctx,
        actor=OWNERS[0],
        release_id=release.id,
        emergency_id=open_one.emergency.id,
        comment="Orders went out again.",
    )
    assert inbox.get_inbox(world.ctx, actor=OWNERS[1]).emergencies == ()


def test_rules_as_in_gitlab(world: World) -> None:
    use(world, "Rules as in GitLab")
    release = waiting(world, world.dag("etl"), reviewer="ben")

    world.decide(release, SAM)
    # One approval for both rules that the person belongs to.
    world.decide(release, FULL_STACK)
    assert decided_by(world, release) == ["sam", "fay", "fay"]
    assert refused(world, release, SECURITY) is NotAllowedError
    assert world.decide(release, BACKEND).state is ReleaseState.APPROVED


def test_one_no_of_any_rule_as_in_gitlab_is_a_no(world: World) -> None:
    use(world, "Rules as in GitLab")
    release = waiting(world, world.dag("etl"), reviewer="ben")

    assert world.decide(release, SECURITY, Verdict.REJECT).state is ReleaseState.REJECTED
