"""Configuring flows: who may, what is refused, what is kept."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.approvals.flow_admin import FlowDetail
from airflow_release_plugin.services.runtime import audit
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, VIEWER, World
from tests.harness.flow_forms import LEAD, LEAD2, form, join, level, step


def create(world: World, actor: Actor = ADMIN, **more: Any) -> FlowDetail:
    return flow_admin.create(world.ctx, actor=actor, raw=form(**more))


def id_of(view: FlowDetail) -> int:
    assert view.id is not None
    return view.id


def tags(world: World) -> list[EventTag]:
    return [event.tag for event in audit.list_events(world.ctx, actor=ADMIN, limit=100).items]


@pytest.mark.req("R30", "R31")
def test_a_new_flow_is_tried_after_all_others_but_the_built_in_one(world: World) -> None:
    create(world, name="One")
    create(world, name="Two")

    names = [view.spec.name for view in flow_admin.list_flows(world.ctx, actor=VIEWER)]
    assert names == ["One", "Two", "default"]


@pytest.mark.req("R30")
@pytest.mark.parametrize("actor", [DEV, REVIEWER, VIEWER, PIPELINE, replace(PIPELINE, roles=ADMIN.roles)])
def test_only_who_may_edit_flows_changes_them(world: World, actor: Actor) -> None:
    flow_id = id_of(create(world))
    tries = [
        lambda: create(world, actor, name="Mine"),
        lambda: flow_admin.preview(world.ctx, actor=actor, raw=form()),
        lambda: flow_admin.update(world.ctx, actor=actor, flow_id=flow_id, raw=form(), revision=1),
        lambda: flow_admin.set_enabled(world.ctx, actor=actor, flow_id=flow_id, enabled=False),
        lambda: flow_admin.switch(world.ctx, actor=actor, flow_ids=[flow_id], enabled=False),
        lambda: flow_admin.delete(world.ctx, actor=actor, flow_ids=[flow_id]),
        lambda: flow_admin.reorder(world.ctx, actor=actor, flow_ids=[flow_id]),
    ]

    for attempt in tries:
        with pytest.raises(NotAllowedError):
            attempt()
    assert flow_admin.get(world.ctx, actor=VIEWER, flow_id=flow_id).revision == 1


@pytest.mark.req("R30")
def test_editing_flows_is_a_right_of_its_own(world: World) -> None:
    settings = replace(world.ctx.settings, flow_admin_roles=frozenset({"policy"}))
    world = replace(world, ctx=replace(world.ctx, settings=settings))
    policy = Actor("11", "paula", frozenset({"policy"}))

    with pytest.raises(NotAllowedError):
        create(world, ADMIN)
    assert create(world, policy).revision == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (form(levels=[]), "levels"),
        ({**form(), "levels": []}, "1 to 10 levels"),
        (form("x", *[level()] * 11), "1 to 10 levels"),
        (form("x", level(), level(), kind="gate"), "exactly one level"),
        (form("x", level(step("op", rule="quorum", quorum=2))), "needs 2 people"),
        (form("x", level(step("op"), step("op"))), "One person counts once"),
        (form("x", level(step("nobody"))), "nobody"),
        (form("x", level(step(users=("nobody",)))), "nobody"),
        (form("x", level(step())), "nobody is named"),
        (form("x", level(step(users=("pipeline",)))), "nobody"),
        (form("x", validity={"approval": 0}), "0 hours"),
        (form("x", validity={"approval": 241}), "241 hours"),
        (form("🚀"), "letters"),
        (form("x" * 111), "111"),
    ],
)
def test_a_flow_that_cannot_be_is_refused_and_leaves_nothing(
    world: World, raw: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    assert len(flow_admin.list_flows(world.ctx, actor=ADMIN)) == 1


def test_one_person_is_enough_for_two_steps_where_people_count_twice(world: World) -> None:
    raw = form("x", level(step("op"), step("op")), counts_twice=True)

    assert flow_admin.create(world.ctx, actor=ADMIN, raw=raw).revision == 1


@pytest.mark.parametrize("name", ["default", "Default", "DEFAULT"])
def test_the_name_of_the_built_in_flow_is_taken(world: World, name: str) -> None:
    flow_id = id_of(create(world))

    with pytest.raises(ConflictError):
        create(world, name=name)
    with pytest.raises(ConflictError):
        flow_admin.update(world.ctx, actor=ADMIN, flow_id=flow_id, raw=form(name), revision=1)


@pytest.mark.req("R31")
def test_a_name_can_be_used_once_and_again_when_it_is_free(world: World) -> None:
    first = id_of(create(world))

    with pytest.raises(ConflictError, match="Four eyes"):
        create(world)
    flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[first])
    assert id_of(create(world)) == first + 1


@pytest.mark.req("R31")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_two_admins_who_take_the_same_name_at_once_make_one_flow(
    session_factory: sessionmaker[Session], world: World
) -> None:
    start, outcomes = Barrier(2), []

    def add(actor: Actor) -> None:
        with session_factory() as session:
            mine = world.with_session(session)
            start.wait(20)
            try:
                create(mine, actor)
                session.commit()
                outcomes.append("made")
            except (ConflictError, IntegrityError, OperationalError) as error:
                session.rollback()
                outcomes.append(type(error).__name__)

    threads = [Thread(target=add, args=(replace(ADMIN, id=str(number)),)) for number in (4, 44)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with session_factory() as session:
        names = [v.spec.name for v in flow_admin.list_flows(world.with_session(session).ctx, actor=ADMIN)]
    assert names == ["Four eyes", "default"]
    assert sorted(outcome == "made" for outcome in outcomes) == [False, True]


@pytest.mark.req("R34")
def test_each_edit_makes_a_revision_that_is_kept_even_when_the_flow_is_deleted(world: World) -> None:
    flow_id = id_of(create(world))
    flow_admin.update(world.ctx, actor=ADMIN, flow_id=flow_id, raw=form(remark="new"), revision=1)
    flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=flow_id, enabled=False)
    flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=flow_id, enabled=False)
    flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[flow_id, flow_id])

    rows = flow_admin.revisions(world.ctx, actor=VIEWER, flow_id=flow_id)
    assert [(row.revision, row.spec_json.get("remark", ""), row.spec_json["enabled"]) for row in rows] == [
        (3, "new", False),
        (2, "new", True),
        (1, "", True),
    ]
    assert sorted(tags(world)) == [
        EventTag.FLOW_CHANGED,
        EventTag.FLOW_CHANGED,
        EventTag.FLOW_CREATED,
        EventTag.FLOW_DELETED,
    ]
    with pytest.raises(NotFoundError):
        flow_admin.get(world.ctx, actor=ADMIN, flow_id=flow_id)


def test_who_edited_an_older_revision_has_to_look_again(world: World) -> None:
    flow_id = id_of(create(world))
    flow_admin.update(world.ctx, actor=ADMIN, flow_id=flow_id, raw=form(remark="first"), revision=1)

    with pytest.raises(ConflictError, match="revision 2"):
        flow_admin.update(world.ctx, actor=ADMIN, flow_id=flow_id, raw=form(remark="second"), revision=1)
    assert flow_admin.get(world.ctx, actor=ADMIN, flow_id=flow_id).spec.remark == "first"


def test_a_flow_that_is_gone_is_not_found(world: World) -> None:
    tries = [
        lambda: flow_admin.update(world.ctx, actor=ADMIN, flow_id=99, raw=form(), revision=1),
        lambda: flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=99, enabled=True),
        lambda: flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[99]),
        lambda: flow_admin.revisions(world.ctx, actor=ADMIN, flow_id=99),
    ]

    for attempt in tries:
        with pytest.raises(NotFoundError):
            attempt()


def test_deleting_several_is_all_or_none(world: World) -> None:
    flow_id = id_of(create(world))

    with pytest.raises(NotFoundError):
        flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[flow_id, 99])
    assert flow_admin.get(world.ctx, actor=ADMIN, flow_id=flow_id).id == flow_id


def test_switching_several_is_all_or_none_and_leaves_alone_what_is_so_already(world: World) -> None:
    one, two = id_of(create(world, name="One")), id_of(create(world, name="Two", enabled=False))

    with pytest.raises(NotFoundError, match="no flow 99"):
        flow_admin.switch(world.ctx, actor=ADMIN, flow_ids=[one, two, 99], enabled=False)
    assert flow_admin.get(world.ctx, actor=ADMIN, flow_id=one).spec.enabled

    views = flow_admin.switch(world.ctx, actor=ADMIN, flow_ids=[two, one, one], enabled=False)
    assert [(view.spec.name, view.spec.enabled, view.revision) for view in views] == [
        ("One", False, 2),
        ("Two", False, 1),
    ]


def test_who_made_a_flow_and_when_stays_as_others_edit_it(world: World, clock: FrozenClock) -> None:
    flow_id = id_of(create(world))
    made_at = clock()
    clock.advance(hours=1)
    chief = Actor("40", "chief", ADMIN.roles)
    flow_admin.set_enabled(world.ctx, actor=chief, flow_id=flow_id, enabled=False)

    found = flow_admin.get(world.ctx, actor=VIEWER, flow_id=flow_id)
    assert found.created_by is not None
    assert found.updated_by is not None
    assert (found.created_by.name, found.created_at) == ("admin", made_at)
    assert (found.updated_by.name, found.updated_at) == ("chief", clock())


@pytest.mark.req("R31")
def test_the_order_is_what_admins_say(world: World) -> None:
    one, two, three = (id_of(create(world, name=name)) for name in ("One", "Two", "Three"))

    views = flow_admin.reorder(world.ctx, actor=ADMIN, flow_ids=[three, one, two])
    assert [view.spec.name for view in views] == ["Three", "One", "Two", "default"]
    count = len(tags(world))
    flow_admin.reorder(world.ctx, actor=ADMIN, flow_ids=[three, one, two])
    assert len(tags(world)) == count


@pytest.mark.parametrize("wrong", [[1], [1, 1], [1, 2, 2], [1, 2, 3], [], [2]])
def test_an_order_that_does_not_name_every_flow_once_is_refused(world: World, wrong: list[int]) -> None:
    for name in ("One", "Two"):
        create(world, name=name)

    with pytest.raises(ConflictError, match="added or deleted"):
        flow_admin.reorder(world.ctx, actor=ADMIN, flow_ids=wrong)


def test_levels_that_can_never_apply_are_warned_of(world: World) -> None:
    low, high = level(min_lines=9), level(name="High", min_lines=5)

    assert any(
        "never apply" in text
        for text in flow_admin.preview(world.ctx, actor=ADMIN, raw=form("x", low, high)).warnings
    )


@pytest.mark.req("R35")
def test_people_who_can_approve_are_named(world: World) -> None:
    join(world, LEAD, LEAD2)
    raw = form("x", level(step("op"), step("lead", users=("admin",), rule="quorum", quorum=2)))
    spec = flow_admin.create(world.ctx, actor=ADMIN, raw=raw).spec

    found = flow_admin.people(world.ctx, spec)
    assert [[person.name for person in listed.people] for listed in found] == [
        ["reviewer"],
        ["admin", "lead", "lead2"],
    ]
    assert [listed.needed for listed in found] == [1, 2]
