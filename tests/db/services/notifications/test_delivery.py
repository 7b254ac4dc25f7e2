"""The outbox is emptied once, by whichever server, however notifiers behave."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.airflow_internals.notifiers import DeliveryProblem
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.states import ApprovalState, GateState, NotificationState, ReleaseState
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Approval, Gate, Notification, Release
from airflow_release_plugin.models import Event as TrailEvent
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.notices import mine
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.notifications.delivery import MAX_ATTEMPTS, PAUSES
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from tests.harness.clock import FrozenClock
from tests.harness.context import DEV, PIPELINE, World, make_world, steps_of, with_settings
from tests.harness.outbox import NOTIFIER, configure, outbox, told

pytestmark = pytest.mark.req("R40")
REFUSED = DeliveryProblem("SMTPServerDisconnected", "user:hunter2 was refused")


@dataclass
class Sender:
    """Stands in for the process that sends; ``problem`` is what it answers."""

    problem: DeliveryProblem | None = None
    sent: list[Any] = field(default_factory=list)

    def __call__(self, notifier: Any, notice: Any, *, timeout: float) -> DeliveryProblem | None:
        self.sent.append(notice["event"])
        return self.problem


def look(world: World, sender: Sender) -> int:
    return delivery.run_once(work=steps_of(world), send=sender)


def test_everything_is_sent_once_and_in_order(world: World) -> None:
    configure(world)
    world.released(world.dag("etl"))
    sender = Sender()

    assert look(world, sender) == 3
    assert look(world, sender) == 0

    assert sender.sent == ["requested", "decided", "released"]
    assert {(row.state, row.attempts, row.error) for row in outbox(world)} == {
        (NotificationState.SENT, 1, "")
    }


def test_what_was_not_sent_is_tried_again_later_and_later_and_then_given_up(
    world: World, clock: FrozenClock
) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    sender = Sender(REFUSED)
    tries = []
    for pause in (*PAUSES, timedelta()):
        look(world, sender)
        clock.advance(seconds=pause.total_seconds() - 1)
        look(world, sender)
        tries.append(len(sender.sent))
        clock.advance(seconds=1)

    (row,) = outbox(world)
    assert tries == list(range(1, MAX_ATTEMPTS + 1))
    assert (row.state, row.attempts) == (NotificationState.FAILED, MAX_ATTEMPTS)
    last = world.ctx.session.scalars(select(TrailEvent).order_by(TrailEvent.sequence.desc())).first()
    assert last is not None
    assert (last.tag, last.subject) == (EventTag.NOTIFICATION_FAILED, f"release:{release.id}")
    assert last.data["error"] == "SMTPServerDisconnected"
    assert "hunter2" not in str(last.data)
    assert release.state is ReleaseState.AWAITING_APPROVAL


def test_what_a_notifier_said_is_not_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    configure(world)
    world.waiting(world.dag("etl"))

    look(world, Sender(REFUSED))

    assert "SMTPServerDisconnected" in caplog.text
    assert "hunter2" not in caplog.text


def test_one_that_never_works_does_not_hold_up_the_others(world: World, clock: FrozenClock) -> None:
    configure(world)
    world.waiting(world.dag("etl"))
    look(world, Sender(REFUSED))
    clock.advance(minutes=5)
    world.waiting(world.dag("other"))
    order = []

    def note(notifier: Any, notice: Any, *, timeout: float) -> DeliveryProblem | None:
        order.append(notice["number"])
        return None

    delivery.run_once(work=steps_of(world), send=note)

    assert order == ["R-000002", "R-000001"]


def test_an_attempt_that_a_server_died_over_is_made_again(world: World, clock: FrozenClock) -> None:
    configure(world)
    world.waiting(world.dag("etl"))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        delivery.run_once(work=steps_of(world), send=die)
    assert look(world, Sender()) == 0
    clock.advance(minutes=2)

    assert look(world, Sender()) == 1


def test_a_last_attempt_that_a_server_died_over_is_the_last(world: World, clock: FrozenClock) -> None:
    configure(world)
    world.waiting(world.dag("etl"))
    outbox(world)[0].attempts = MAX_ATTEMPTS

    look(world, Sender())

    assert (outbox(world)[0].state, outbox(world)[0].error[:11]) == (NotificationState.FAILED, "Interrupted")


def test_people_are_reminded_once_when_most_of_the_window_is_over(world: World, clock: FrozenClock) -> None:
    configure(world)
    world.waiting(world.dag("etl"))
    sender = Sender()
    clock.advance(hours=17)
    look(world, sender)
    before = list(sender.sent)
    clock.advance(hours=1)
    for _ in range(3):
        look(world, sender)

    assert (before, sender.sent) == (["requested"], ["requested", "reminded"])


def test_nobody_is_reminded_of_what_is_decided(world: World, clock: FrozenClock) -> None:
    configure(world)
    world.approved(world.dag("etl"))
    clock.advance(hours=20)

    look(world, Sender())

    assert told(world) == ["requested", "decided"]


def test_nobody_is_reminded_of_a_gate_whose_task_is_gone(world: World, clock: FrozenClock) -> None:
    configure(world, kind="gate")
    gate = world.gate()
    world.twin.ended_tasks.add(gates._key(gate))
    clock.advance(hours=20)

    look(world, Sender())

    assert (told(world), gate.state) == (["requested"], GateState.WITHDRAWN)


def test_expiry_that_nobody_came_across_is_written_down_and_told(world: World, clock: FrozenClock) -> None:
    configure(world)
    configure(world, kind="gate")
    release = world.waiting(world.dag("etl"))
    gate = world.gate()
    clock.advance(hours=25)

    look(world, Sender())

    assert (release.state, gate.state) == (ReleaseState.EXPIRED, GateState.EXPIRED)
    assert sorted(told(world)) == ["expired", "expired", "requested", "requested"]
    assert {a.state for a in world.ctx.session.scalars(select(Approval))} == {ApprovalState.EXPIRED}


@dataclass
class Servers:
    """Several API servers on one database, each with sessions of its own."""

    factory: sessionmaker[Session]
    world: World

    @contextmanager
    def work(self) -> Iterator[tuple[Context, Actor]]:
        """What ``unit_of_work`` does, on the test's database and clock."""
        from sqlalchemy.exc import IntegrityError, OperationalError
        from sqlalchemy.orm.exc import StaleDataError

        try:
            with self.factory.begin() as session:
                yield self.world.with_session(session).ctx, SYSTEM
        except (StaleDataError, IntegrityError, OperationalError) as error:
            raise ConflictError("somebody else was faster") from error

    def all_look(self, send: Callable[..., DeliveryProblem | None], servers: int = 4) -> None:
        """All servers look after the outbox at the same moment."""

        def look(_: int) -> None:
            for _again in range(4):
                delivery.run_once(work=self.work, send=send)

        with ThreadPoolExecutor(servers) as pool:
            list(pool.map(look, range(servers)))


@pytest.fixture
def servers(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> Iterator[Servers]:
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        yield Servers(session_factory, world)


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_servers_that_look_at_once_send_everything_once(servers: Servers, clock: FrozenClock) -> None:
    configure(servers.world, NOTIFIER, NOTIFIER)
    for name in "abc":
        servers.world.waiting(servers.world.dag(name))
    clock.advance(hours=20)
    servers.world.ctx.session.commit()
    sent: list[tuple[str, str]] = []

    def note(notifier: Any, notice: Any, *, timeout: float) -> DeliveryProblem | None:
        sent.append((notice["number"], notice["event"]))
        time.sleep(0.01)
        return None

    servers.all_look(note)

    expected = [(f"R-{n:06d}", event) for n in (1, 2, 3) for event in ("requested", "reminded")]
    assert sorted(sent) == sorted(expected * 2)


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_servers_that_look_at_once_gather_one_digest(servers: Servers, clock: FrozenClock) -> None:
    servers.world = with_settings(servers.world, personal_notifiers=json.dumps([NOTIFIER]))
    together = {NotificationEvent.DECIDED: NoticeWay.DIGEST, NotificationEvent.RELEASED: NoticeWay.DIGEST}
    mine.choose(servers.world.ctx, actor=DEV, chosen=together)
    servers.world.released(servers.world.dag("etl"))
    clock.advance(hours=48)
    servers.world.ctx.session.commit()

    servers.all_look(Sender())

    servers.world.ctx.session.expire_all()
    assert told(servers.world) == ["requested", "digest"]


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_servers_that_look_at_once_settle_expiry_once(servers: Servers, clock: FrozenClock) -> None:
    configure(servers.world)
    servers.world.waiting(servers.world.dag("etl"))
    clock.advance(hours=25)
    servers.world.ctx.session.commit()

    servers.all_look(Sender())

    with servers.factory() as session:
        assert [row.state for row in session.scalars(select(Release))] == [ReleaseState.EXPIRED]
        events = [row.event.value for row in session.scalars(select(Notification))]
        assert sorted(events) == ["expired", "requested"]
        assert audit.first_broken_link(servers.world.with_session(session).ctx) is None


def test_a_decision_stands_whatever_its_notifier_does(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    look(world, Sender(REFUSED))

    world.promote(world.decide(release))

    assert release.state is ReleaseState.RELEASED
    assert decisions.inbox(world.ctx, actor=PIPELINE) == []
    assert world.ctx.session.scalars(select(Gate)).all() == []
