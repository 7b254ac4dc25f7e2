"""Which rows go after their time, and what keeps them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ExportState, ImportState, NotificationState, ReleaseState
from airflow_release_plugin.exceptions import NotAllowedError
from airflow_release_plugin.models import (
    Export,
    Import,
    MachineLook,
    Notice,
    Notification,
    Report,
    TaskClaim,
    ViewedFile,
)
from airflow_release_plugin.models.base import Base
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.retention import cleaning
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, steps_of, with_settings
from tests.harness.databases import counted
from tests.harness.retention import clean, cleaned

pytestmark = [pytest.mark.req("R93"), pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])]


def count(world: World, model: type[Base]) -> int:
    return world.ctx.session.scalar(select(func.count()).select_from(model)) or 0


def add(world: World, row: Any) -> Any:
    world.ctx.session.add(row)
    world.ctx.session.flush()
    return row


def notification(world: World, state: NotificationState) -> Notification:
    now = world.ctx.clock()
    row = Notification(
        event=NotificationEvent.RELEASED,
        subject_type="release",
        subject_id=1,
        notifier_json={},
        notice={},
        state=state,
        next_attempt_at=now,
        made_at=now,
    )
    return add(world, row)


def notice(world: World, *, waits: bool = False) -> Notice:
    row = Notice(
        person_id="1",
        person_name="dev",
        event=NotificationEvent.RELEASED,
        subject_type="release",
        subject_id=1,
        facts={},
        made_at=world.ctx.clock(),
        in_next_digest=waits,
    )
    return add(world, row)


def export(world: World, state: ExportState, name: str = "a", base: str | None = None) -> Export:
    row = Export(
        state=state,
        bundle_id=name,
        names=[],
        options={},
        base_bundle_id=base,
        report={},
        requested_by_id="1",
        requested_by_name="dev",
        requested_at=world.ctx.clock(),
    )
    return add(world, row)


def brought(world: World, state: ImportState, applied: str | None = None) -> Import:
    row = Import(
        state=state,
        file_name="a",
        file_size=1,
        applied_bundle_id=applied,
        uploaded_by_id="1",
        uploaded_by_name="dev",
        uploaded_at=world.ctx.clock(),
    )
    return add(world, row)


def machine(world: World, total: int) -> MachineLook:
    now = world.ctx.clock()
    row = MachineLook(
        environment="prod",
        host=f"host-{total}",
        looked_at=now,
        changed_at=now,
        total=total,
        findings_json=[],
    )
    return add(world, row)


GONE: dict[str, Callable[[World], Any]] = {
    "notifications sent": lambda world: notification(world, NotificationState.SENT),
    "notices to people": notice,
    "exports": lambda world: export(world, ExportState.EXPIRED),
    "imports": lambda world: brought(world, ImportState.DISCARDED),
    "machines that are gone": lambda world: machine(world, 0),
}


@pytest.mark.parametrize("kind", GONE)
def test_it_goes_after_its_days_and_not_before(world: World, clock: FrozenClock, kind: str) -> None:
    row = GONE[kind](world)
    model, setting = type(row), "keep_transfers_days" if kind in {"exports", "imports"} else ""
    days = 730 if setting else 180
    clock.advance(days=days, seconds=-1)
    assert clean(world) == {}

    clock.advance(seconds=2)

    assert clean(world, dry_run=True) == {kind: 1}
    assert count(world, model) == 1
    assert clean(world) == {kind: 1}
    assert count(world, model) == 0


def test_where_zero_days_are_set_everything_stays(world: World, clock: FrozenClock) -> None:
    for make in GONE.values():
        make(world)
    clock.advance(days=4000)
    for_ever = with_settings(
        world, keep_notifications_days=0, keep_transfers_days=0, keep_details_days=0, keep_snapshots_days=0
    )

    assert clean(for_ever) == {}


def test_what_is_still_to_be_told_stays(world: World, clock: FrozenClock) -> None:
    notification(world, NotificationState.PENDING)
    notice(world, waits=True)
    clock.advance(days=4000)

    assert clean(world) == {}


def test_transfers_that_are_under_way_or_were_applied_stay(world: World, clock: FrozenClock) -> None:
    for number, state in enumerate(set(ExportState) - {ExportState.EXPIRED, ExportState.FAILED}):
        export(world, state, name=f"{number}")
    for state in set(ImportState) - {ImportState.FAILED, ImportState.DISCARDED}:
        brought(world, state)
    brought(world, ImportState.FAILED, applied="a")  # never to be applied again
    clock.advance(days=4000)

    assert clean(world) == {}


def test_what_another_export_builds_on_stays_as_long_as_that(world: World, clock: FrozenClock) -> None:
    export(world, ExportState.EXPIRED, name="base")
    clock.advance(days=731)
    export(world, ExportState.READY, name="upon", base="base")

    assert clean(world) == {}


def test_a_machine_that_found_something_stays(world: World, clock: FrozenClock) -> None:
    machine(world, 3)
    clock.advance(days=4000)

    assert clean(world) == {}


DETAILS = ("reports of earlier attempts", "ticks of reviewers", "claims of tasks")


def with_details(world: World) -> Any:
    """A release in its second attempt, which somebody has looked at."""
    failed = (CheckItem("Parses", CheckStatus.FAILED),)
    release = world.report(world.request(world.submit(world.dag("etl"))), items=failed)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)
    world.report(release)
    add(world, ViewedFile(release_id=release.id, actor_id="3", content="0" * 64))
    return release


def test_details_of_an_open_release_stay(world: World, clock: FrozenClock) -> None:
    release = with_details(world)
    before = [count(world, model) for model in (Report, ViewedFile, TaskClaim)]
    clock.advance(days=4000)

    assert clean(world, *DETAILS) == {}
    assert release.state is ReleaseState.AWAITING_APPROVAL
    assert [count(world, model) for model in (Report, ViewedFile, TaskClaim)] == before


def test_of_a_settled_release_the_reports_of_the_last_attempt_stay(world: World, clock: FrozenClock) -> None:
    release = world.promote(world.decide(with_details(world)))
    claims = count(world, TaskClaim)
    clock.advance(days=179)
    assert clean(world, *DETAILS) == {}
    clock.advance(days=2)

    assert clean(world, *DETAILS) == {
        "reports of earlier attempts": 1,
        "ticks of reviewers": 1,
        "claims of tasks": claims,
    }
    assert {report.attempt for report in world.ctx.session.scalars(select(Report))} == {release.attempt}
    assert world.target().keys() == {"etl.py"}


def test_tasks_that_still_watch_the_first_runs_keep_their_claims(world: World, clock: FrozenClock) -> None:
    """A week of soak is longer than a day, which is all that somebody may want to keep details for."""
    release = with_details(world)
    release.soak_minutes = 7 * 24 * 60
    world.promote(world.decide(release))
    shortly = with_settings(world, keep_details_days=1)
    claims = count(world, TaskClaim)
    clock.advance(days=7, hours=1)
    assert clean(shortly, *DETAILS) == clean(shortly, *DETAILS, dry_run=True) == {}
    assert count(world, TaskClaim) == claims > 0
    clock.advance(days=2)

    assert clean(shortly, "claims of tasks") == {"claims of tasks": claims}


def test_many_go_in_batches_and_what_was_removed_before_a_crash_stays_removed(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 2)
    for _ in range(5):
        notification(world, NotificationState.SENT)
    world.ctx.session.commit()
    clock.advance(days=181)
    steps = steps_of(world)
    opened = 0

    @contextmanager
    def dies() -> Any:
        nonlocal opened
        opened += 1
        if opened == 4:  # the first asks whether somebody may
            raise KeyboardInterrupt
        with steps() as found:
            yield found

    with pytest.raises(KeyboardInterrupt):
        cleaning.clean(actor=SYSTEM, work=dies)

    assert count(world, Notification) == 1
    assert clean(world) == {"notifications sent": 1}


def test_what_stays_in_between_is_passed_over_once(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "BATCH", 2)
    states = [NotificationState.SENT, NotificationState.PENDING] * 3
    for state in states:
        notification(world, state)
    clock.advance(days=181)

    with counted(world.ctx.session.get_bind()) as statements:
        assert clean(world, "notifications sent") == {"notifications sent": 3}

    looks = [each for each in statements if "FROM release_notification" in each and "SELECT" in each[:6]]
    assert len(looks) == 3
    assert all("release_notification.id) > (" in each for each in looks[1:])


def test_bytes_are_those_of_what_went(world: World, clock: FrozenClock) -> None:
    notification(world, NotificationState.SENT).notice = {"text": "x" * 5000}
    clock.advance(days=181)

    (told,) = [each for each in cleaned(world, dry_run=True) if each.count]
    (gone,) = [each for each in cleaned(world) if each.count]

    assert told == gone
    assert told.freed is not None
    assert 5000 < told.freed < 5500


def test_it_ends_early_when_it_is_told_to(world: World, clock: FrozenClock) -> None:
    notification(world, NotificationState.SENT)
    clock.advance(days=181)
    stop = Event()
    stop.set()

    cleaning.clean(actor=SYSTEM, work=steps_of(world), stop=stop)

    assert count(world, Notification) == 1


def test_only_release_admins_may(world: World) -> None:
    with pytest.raises(NotAllowedError, match="release admins"):
        cleaning.clean(actor=DEV, work=steps_of(world))
    cleaning.clean(actor=ADMIN, work=steps_of(world))


def test_what_grows_every_day_stays_the_same_size(world: World, clock: FrozenClock) -> None:
    sizes = []
    for _ in range(6):
        for _ in range(3):
            notification(world, NotificationState.SENT)
            notice(world)
        clock.advance(days=100)
        clean(world)
        sizes.append(count(world, Notification) + count(world, Notice))

    assert sizes == [6, 6, 6, 6, 6, 6]
