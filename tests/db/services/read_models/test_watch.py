"""What a request that waits costs while nothing happens, and that it misses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.services.read_models.watch import UNTOLD, Look, look_again
from airflow_release_plugin.services.releases import decisions
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, PIPELINE, REVIEWER, World
from tests.harness.databases import counted

pytestmark = pytest.mark.req("R37")


def look(world: World, known: dict[str, str], last: Look | None = None) -> Look:
    return look_again(world.ctx, actor=PIPELINE, known=known, last=last)


def test_a_look_at_what_did_not_move_costs_one_number_however_many_wait(world: World) -> None:
    known = {f"gate:{world.gate(f'dag_{number}').id}": "open" for number in range(20)}
    last = look(world, known)

    with counted(world.ctx.session.get_bind()) as statements:
        for _ in range(3):
            last = look(world, known, last)

    assert last.changed == {}
    assert len(statements) == 3
    assert all("event_head" in statement for statement in statements)


def test_the_look_after_an_event_sees_what_it_changed(world: World) -> None:
    gate = world.gate()
    known = {f"gate:{gate.id}": "open"}
    last = look(world, known)

    decisions.decide_gate(
        world.ctx, actor=REVIEWER, gate_id=gate.id, verdict=Verdict.APPROVE, change_digest=gate.change_digest
    )

    assert look(world, known, last).changed == {f"gate:{gate.id}": "approved"}


def test_what_nobody_tells_is_seen_a_little_later(world: World, clock: FrozenClock) -> None:
    gate = world.gate(valid_hours=1)
    known = {f"gate:{gate.id}": "open"}
    clock.now = gate.expires_at - timedelta(seconds=1)
    last = look(world, known)

    clock.now = gate.expires_at
    assert look(world, known, last).changed == {}
    clock.now = last.at + UNTOLD
    assert look(world, known, last).changed == {f"gate:{gate.id}": "expired"}


def test_who_may_not_watch_is_refused_at_every_look(world: World) -> None:
    last = look(world, {})

    with pytest.raises(NotAllowedError):
        look_again(world.ctx, actor=DEV, known={}, last=last)
