"""Freeze windows and schedules: checked when a release is executed, whatever was approved."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ExpiredError, FrozenError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import release_page, watch
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, PIPELINE, World
from tests.harness.flow_forms import form

# The clock stands at Monday 09:00 UTC.
MONDAY = {"name": "monday", "kind": "deny", "cron": "0 8 * * MON", "minutes": 180}
AFTERNOON = {"name": "afternoon", "kind": "deny", "cron": "0 12 * * *", "minutes": 60}
NIGHTS = {"name": "nights", "kind": "allow", "cron": "0 22 * * *", "minutes": 120, "zone": "Europe/Berlin"}


def configure(world: World, *windows: dict[str, object], **more: object) -> None:
    raw = form("Frozen", calendar=list(windows), **more)
    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)


def watched(world: World, release: Release, known: str = "") -> str | None:
    key = f"release:{release.id}"
    return watch.changed_states(world.ctx, actor=PIPELINE, known={key: known}).get(key)


@pytest.mark.req("R19")
@pytest.mark.parametrize("window", [MONDAY, NIGHTS])
def test_a_freeze_refuses_the_promotion_and_moves_nothing(world: World, window: dict[str, object]) -> None:
    configure(world, window)
    release = world.approved(world.dag("etl"))

    with pytest.raises(FrozenError) as refused:
        world.promote(release)
    assert world.head is None
    assert release.state is ReleaseState.APPROVED
    assert release.target_commit is None
    assert window["name"] in refused.value.message  # type: ignore[operator]
    assert refused.value.context["until"] is not None


@pytest.mark.req("R19")
def test_it_goes_on_when_the_freeze_is_over_and_who_waits_is_told(world: World, clock: FrozenClock) -> None:
    configure(world, MONDAY)
    release = world.approved(world.dag("etl"))
    assert watched(world, release) == "approved_held"
    assert watched(world, release, "approved_held") is None

    clock.advance(hours=2)
    assert watched(world, release, "approved_held") == "approved"
    assert world.promote(release).state is ReleaseState.RELEASED


@pytest.mark.req("R19")
def test_a_freeze_that_begins_after_the_approval_holds_too(world: World, clock: FrozenClock) -> None:
    configure(world, AFTERNOON)
    release = world.approved(world.dag("etl"))
    clock.advance(hours=3)

    with pytest.raises(FrozenError, match="afternoon"):
        world.promote(release)


@pytest.mark.req("R19")
def test_the_time_to_execute_counts_from_the_first_open_moment(world: World, clock: FrozenClock) -> None:
    configure(world, NIGHTS, validity={"wait": 1})
    release = world.approved(world.dag("etl"))
    opens = datetime(2026, 3, 2, 21, tzinfo=timezone.utc)

    assert release.expires_at == opens + timedelta(hours=1)
    held = release_page.get_release(world.ctx, actor=ADMIN, release_id=release.id).execution_block
    assert held is not None
    assert held.until == opens
    clock.now = opens + timedelta(minutes=59)
    assert world.promote(release).state is ReleaseState.RELEASED


@pytest.mark.req("R19")
def test_who_misses_the_window_has_to_ask_again(world: World, clock: FrozenClock) -> None:
    configure(world, NIGHTS, validity={"wait": 1})
    release = world.approved(world.dag("etl"))
    clock.now = datetime(2026, 3, 2, 22, tzinfo=timezone.utc)

    with pytest.raises(ExpiredError):
        world.promote(release)


@pytest.mark.req("R19")
def test_a_freeze_without_an_end_in_sight_gives_no_endless_time(world: World, clock: FrozenClock) -> None:
    configure(world, {"name": "stop", "kind": "deny", "cron": "* * * * *", "minutes": 60})
    release = world.approved(world.dag("etl"))

    assert release.expires_at == clock() + timedelta(hours=24)
    with pytest.raises(FrozenError, match="further notice"):
        world.promote(release)


@pytest.mark.req("R19")
def test_a_scheduled_release_waits_for_its_time_and_then_for_the_freeze(
    world: World, clock: FrozenClock
) -> None:
    configure(world, AFTERNOON)
    at = clock() + timedelta(hours=3, minutes=30)
    asked = world.request(world.submit(world.dag("etl")), scheduled_at=at)
    release = world.decide(world.report(asked))

    assert release.expires_at == clock() + timedelta(hours=4 + 24)
    with pytest.raises(FrozenError, match="scheduled"):
        world.promote(release)
    clock.now = at
    with pytest.raises(FrozenError, match="afternoon"):
        world.promote(release)
    clock.advance(minutes=30)
    assert watched(world, release) == "approved"
    assert world.promote(release).state is ReleaseState.RELEASED


def test_a_clock_that_jumps_back_holds_it_again(world: World, clock: FrozenClock) -> None:
    at = clock() + timedelta(hours=1)
    asked = world.request(world.submit(world.dag("etl")), scheduled_at=at)
    release = world.decide(world.report(asked))
    clock.advance(hours=2)
    assert watched(world, release) == "approved"

    clock.advance(hours=-2)
    assert watched(world, release) == "approved_held"
    with pytest.raises(FrozenError):
        world.promote(release)


def test_a_freeze_lifted_in_the_flow_does_not_lift_it_for_what_is_under_way(world: World) -> None:
    view_ = flow_admin.create(world.ctx, actor=ADMIN, raw=form("Frozen", calendar=[MONDAY]))
    release = world.approved(world.dag("etl"))
    assert view_.id is not None
    flow_admin.update(world.ctx, actor=ADMIN, flow_id=view_.id, raw=form("Frozen"), revision=1)

    with pytest.raises(FrozenError):
        world.promote(release)
