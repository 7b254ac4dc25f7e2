"""Flows as code: a file becomes what is configured, whole or not at all, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotAllowedError
from airflow_release_plugin.models import Event
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.approvals.flow_files import FlowChange, apply_flows, export_flows
from airflow_release_plugin.services.runtime import audit
from tests.harness.context import ADMIN, DEV, World

pytestmark = pytest.mark.req("R41")
OPERATOR = Actor("cli:root", "root (command line)", kind=ActorKind.SYSTEM)


def flow(name: str, role: str = "op", **more: Any) -> dict[str, Any]:
    steps = [{"name": "N", "roles": [role], "rule": "any"}]
    return {"name": name, "kind": "promotion", "levels": [{"name": "One", "steps": steps}], **more}


def apply(world: World, *flows: dict[str, Any], actor: Actor = OPERATOR, **options: Any) -> list[FlowChange]:
    data = yaml.safe_dump({"version": 1, "flows": list(flows)}).encode()
    return apply_flows(world.ctx, actor=actor, data=data, **options)


def actions(changes: list[FlowChange]) -> list[tuple[str, str]]:
    return [(change.flow, change.action) for change in changes]


def names(world: World) -> list[str]:
    """Of the configured flows, in the order in which they are tried."""
    return [view.spec.name for view in flow_admin.list_flows(world.ctx, actor=DEV) if not view.is_builtin]


def tags(world: World) -> list[EventTag]:
    return [event.tag for event in world.ctx.session.scalars(select(Event).order_by(Event.sequence))]


def test_what_is_exported_changes_nothing_when_it_is_applied(world: World) -> None:
    apply(world, flow("B", remark="x"), flow("A", enabled=False))
    before, trail = export_flows(world.ctx), tags(world)

    changes = apply_flows(world.ctx, actor=OPERATOR, data=before.encode(), prune=True)

    assert actions(changes) == [("B", "unchanged"), ("A", "unchanged")]
    assert (export_flows(world.ctx), tags(world)) == (before, trail)


def test_a_file_creates_changes_and_orders_flows(world: World) -> None:
    apply(world, flow("A"), flow("B"))

    changes = apply(world, flow("New"), flow("B", "admin", remark="stricter"), flow("A"))

    assert actions(changes) == [
        ("New", "created"),
        ("B", "changed"),
        ("A", "unchanged"),
        ("*", "reordered"),
    ]
    assert sorted(changes[1].differences) == [
        "levels[0].steps[0].roles: ['op'] → ['admin']",
        "remark: nothing → 'stricter'",
    ]
    assert names(world) == ["New", "B", "A"]


def test_what_the_file_does_not_name_stays_behind_it(world: World) -> None:
    apply(world, flow("A"), flow("B"))

    apply(world, flow("B"))
    apply(world, flow("C"))

    assert names(world) == ["C", "B", "A"]


def test_it_goes_only_when_asked_to(world: World) -> None:
    apply(world, flow("A"), flow("B"))

    assert actions(apply(world, flow("B"), prune=True)) == [("B", "unchanged"), ("A", "deleted")]
    assert names(world) == ["B"]


def test_an_empty_file_can_take_everything_away(world: World) -> None:
    apply(world, flow("A"))

    assert actions(apply(world, prune=True)) == [("A", "deleted")]
    assert names(world) == []


def test_a_dry_run_says_the_same_and_leaves_no_trace(world: World) -> None:
    apply(world, flow("A"), flow("B"))
    before, trail = export_flows(world.ctx), tags(world)
    wanted = (flow("C"), flow("A", "admin"))

    said = apply(world, *wanted, prune=True, dry_run=True)

    assert (export_flows(world.ctx), tags(world)) == (before, trail)
    assert said == apply(world, *wanted, prune=True)
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("last", "error"),
    [
        (flow("Z", "nobody_has_this"), InvalidRequestError),
        (flow("default"), ConflictError),
        (flow("Z", notifiers=[{"notifier": "os.system"}]), InvalidRequestError),
    ],
)
def test_one_flow_that_cannot_be_keeps_all_of_them_out(
    world: World, last: dict[str, Any], error: type[Exception], dry_run: bool
) -> None:
    apply(world, flow("A"))
    world.ctx.session.commit()

    with pytest.raises(error):
        apply(world, flow("A", "admin"), flow("B"), last, dry_run=dry_run)

    assert names(world) == ["A"]


def test_somebody_without_the_right_changes_nothing(world: World) -> None:
    with pytest.raises(NotAllowedError):
        apply(world, flow("A"), actor=DEV)
    assert actions(apply(world, flow("A"), actor=ADMIN)) == [("A", "created")]


def test_the_trail_names_who_sat_at_the_command_line(world: World) -> None:
    apply(world, flow("A"))
    apply(world, flow("B"), prune=True)

    events = list(world.ctx.session.scalars(select(Event).order_by(Event.sequence)))
    assert [event.tag for event in events] == [
        EventTag.FLOW_CREATED,
        EventTag.FLOW_DELETED,
        EventTag.FLOW_CREATED,
    ]
    assert {event.actor_name for event in events} == {"root (command line)"}
