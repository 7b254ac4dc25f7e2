"""Deputies: in whose place, for how long, and never as a way around the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Deputy
from airflow_release_plugin.repositories.approvals import latest_approval
from airflow_release_plugin.services.approvals import deputies, flow_admin
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.flow_forms import LEAD, OPERATOR, form, join, leave, level, step


def name(
    world: World, person: str = "reviewer", deputy: str = "viewer", actor: Actor = REVIEWER, **when: Any
) -> Deputy:
    now = world.ctx.clock()
    times = {"starts_at": now, "ends_at": now + timedelta(days=7), **when}
    return deputies.name_deputy(world.ctx, actor=actor, person=person, deputy=deputy, **times)


@pytest.mark.req("R39")
def test_a_deputy_decides_in_the_place_of_who_named_them(world: World) -> None:
    name(world)
    release = world.waiting(world.dag("etl"))

    assert world.decide(release, VIEWER).state is ReleaseState.APPROVED
    approval = latest_approval(world.ctx.session, "release", release.id)
    assert approval is not None
    assert [(d.actor_name, d.place_of_name, d.roles) for d in approval.decisions] == [
        ("viewer", "reviewer", ["op"])
    ]


@pytest.mark.req("R39")
def test_the_time_of_a_deputy_has_a_start_and_an_end(world: World, clock: FrozenClock) -> None:
    now = clock()
    name(world, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    release = world.waiting(world.dag("etl"))

    for hours in (0, 2.1, -1.2):
        with pytest.raises(NotAllowedError):
            world.decide(release, VIEWER)
        clock.advance(hours=hours)
    clock.advance(hours=0.1)
    assert world.decide(release, VIEWER).state is ReleaseState.APPROVED


@pytest.mark.req("R39")
@pytest.mark.parametrize("actor", [DEV, DEV2, VIEWER, PIPELINE, OPERATOR])
def test_people_name_deputies_only_for_themselves(world: World, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        name(world, deputy="dev2" if actor != DEV2 else "dev", actor=actor)


@pytest.mark.req("R39")
def test_an_admin_names_one_for_somebody_who_is_away_but_never_themselves(world: World) -> None:
    assert name(world, actor=ADMIN).made_by_name == "admin"
    with pytest.raises(NotAllowedError, match="themselves"):
        name(world, deputy="admin", actor=ADMIN)


@pytest.mark.parametrize(
    ("person", "deputy"),
    [("reviewer", "reviewer"), ("reviewer", "pipeline"), ("reviewer", "nobody"), ("reviewer", "")],
)
def test_who_cannot_be_a_deputy(world: World, person: str, deputy: str) -> None:
    with pytest.raises((InvalidRequestError, NotAllowedError)):
        name(world, person, deputy)


def test_nobody_stands_in_for_a_service_user(world: World) -> None:
    powerful = replace(PIPELINE, roles=frozenset({"op"}))
    join(world, powerful)
    release = world.waiting(world.dag("etl"))

    with pytest.raises(InvalidRequestError, match="service users"):
        name(world, "pipeline", "viewer", ADMIN)
    # As a row that is older than the setting.
    row = name(world)
    row.person_id, row.person_name = powerful.id, powerful.name
    world.ctx.session.flush()
    with pytest.raises(NotAllowedError):
        world.decide(release, VIEWER)


def test_a_key_that_fits_two_people_names_neither(world: World) -> None:
    join(world, Actor("40", VIEWER.id, frozenset({"viewer"})))

    with pytest.raises(InvalidRequestError, match="knows nobody"):
        name(world, deputy=VIEWER.id)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (timedelta(0), timedelta(0)),
        (timedelta(hours=1), timedelta(0)),
        (timedelta(days=-2), timedelta(days=-1)),
        (timedelta(0), timedelta(days=367)),
        (timedelta(0), timedelta(days=-1)),
    ],
)
def test_a_time_that_is_none_is_refused(world: World, start: timedelta, end: timedelta) -> None:
    now: datetime = world.ctx.clock()
    with pytest.raises(InvalidRequestError):
        name(world, starts_at=now + start, ends_at=now + end)


def test_a_time_in_the_last_year_that_there_is_is_refused(world: World) -> None:
    last = datetime.max.replace(tzinfo=timezone.utc)
    with pytest.raises(InvalidRequestError):
        name(world, starts_at=last - timedelta(days=700), ends_at=last)


@pytest.mark.req("R39")
def test_the_deputy_of_who_submitted_may_not_decide(world: World) -> None:
    powerful = replace(DEV2, roles=frozenset({"user", "op"}))
    join(world, powerful)
    name(world, "dev2", "viewer", powerful)
    release = world.report(world.request(world.submit(world.dag("etl"), powerful)))

    with pytest.raises(NotAllowedError):
        world.decide(release, VIEWER)


@pytest.mark.req("R39")
def test_who_requested_may_not_decide_as_somebodys_deputy(world: World) -> None:
    name(world, deputy="dev")
    release = world.waiting(world.dag("etl"))

    with pytest.raises(SelfApprovalError):
        world.decide(release, DEV)


@pytest.mark.req("R39")
def test_deputies_of_deputies_are_none(world: World) -> None:
    name(world, "reviewer", "viewer")
    name(world, "viewer", "dev2", VIEWER)
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, DEV2)


@pytest.mark.req("R39")
def test_person_and_deputy_are_one_vote(world: World) -> None:
    join(world, OPERATOR)
    raw = form("Two", level(step("op", rule="quorum", quorum=2)))
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    name(world)
    name(world, "reviewer", "dev2")
    release = world.decide(world.waiting(world.dag("etl")), VIEWER)

    with pytest.raises(ConflictError):
        world.decide(release, REVIEWER)
    with pytest.raises(NotAllowedError):
        world.decide(release, DEV2)
    assert world.decide(release, OPERATOR).state is ReleaseState.APPROVED


@pytest.mark.parametrize("change", ["left", "demoted"])
def test_the_place_is_gone_when_its_owner_left_or_lost_the_role(world: World, change: str) -> None:
    name(world)
    release = world.waiting(world.dag("etl"))
    if change == "left":
        leave(world, REVIEWER)
    else:
        join(world, replace(REVIEWER, roles=frozenset({"viewer"})))

    with pytest.raises(NotAllowedError):
        world.decide(release, VIEWER)


@pytest.mark.parametrize("actor", [REVIEWER, VIEWER, ADMIN])
def test_either_of_both_and_admins_end_it(world: World, actor: Actor) -> None:
    row = name(world)
    deputies.end_deputy(world.ctx, actor=actor, deputy_id=row.id)
    release = world.waiting(world.dag("etl"))

    with pytest.raises(NotAllowedError):
        world.decide(release, VIEWER)
    with pytest.raises(NotFoundError):
        deputies.end_deputy(world.ctx, actor=actor, deputy_id=row.id)


def test_others_neither_end_it_nor_see_it(world: World) -> None:
    row = name(world)

    with pytest.raises(NotAllowedError):
        deputies.end_deputy(world.ctx, actor=DEV, deputy_id=row.id)
    assert deputies.list_deputies(world.ctx, actor=DEV) == []
    seen = [deputies.list_deputies(world.ctx, actor=actor) for actor in (REVIEWER, VIEWER, ADMIN)]
    assert seen == [[row]] * 3


def test_the_trail_says_who_named_whom(world: World) -> None:
    row = name(world)
    deputies.end_deputy(world.ctx, actor=ADMIN, deputy_id=row.id)

    events = audit.list_events(world.ctx, actor=ADMIN, limit=10).items
    assert sorted((e.actor_name, e.data["person"], e.data["deputy"]) for e in events) == [
        ("admin", "reviewer", "viewer"),
        ("reviewer", "reviewer", "viewer"),
    ]


@pytest.mark.req("R38", "R39")
def test_what_waits_for_who_is_away_is_in_the_deputys_inbox(world: World) -> None:
    join(world, LEAD)
    release = world.waiting(world.dag("etl"))
    assert decisions.inbox(world.ctx, actor=VIEWER) == []

    name(world)
    assert [item.subject_id for item in decisions.inbox(world.ctx, actor=VIEWER)] == [release.id]
