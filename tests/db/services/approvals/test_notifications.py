"""What comes into the outbox, and in which transaction."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin, gates
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, FAILED, World
from tests.harness.outbox import NOTIFIER, SMTP, configure, outbox, told

pytestmark = pytest.mark.req("R40")


def test_a_release_that_goes_through_tells_of_each_step(world: World) -> None:
    configure(world)

    world.released(world.dag("etl"))

    assert told(world) == ["requested", "decided", "released"]
    assert {row.state for row in outbox(world)} == {NotificationState.PENDING}


def test_templates_get_what_people_see_on_the_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(world)

    release = world.approved(world.dag("etl"))

    notice = outbox(world)[1].notice
    assert notice["summary"] == f"{release.number} A release: reviewer decided: approve"
    assert notice["url"] == f"{world.ctx.settings.base_url}/release/ui/releases/{release.id}"
    assert {key: notice[key] for key in ("event", "state", "verdict", "actor", "requester")} == {
        "event": "decided",
        "state": "approved",
        "verdict": "approve",
        "actor": "reviewer",
        "requester": "dev",
    }
    assert (notice["reviewers"], notice["dag_ids"], notice["environment"]) == (["reviewer"], ["etl"], "prod")
    assert (notice["flow"], notice["level"], notice["gate"]) == ("Told promotion", 1, None)


def test_a_title_is_one_line_so_that_a_subject_of_a_mail_can_hold_it(world: World) -> None:
    configure(world)
    world.report(world.request(world.submit(world.dag("etl")), title="Orders\r\nBcc: all@example.org"))
    world.gate("etl", title="Go\non?")

    notices = [row.notice for row in outbox(world)]
    assert [notice["title"] for notice in notices][:1] == ["Orders Bcc: all@example.org"]
    assert not any(end in notice["summary"] for notice in notices for end in "\r\n")


def test_no_code_and_no_report_gets_into_a_notice(world: World) -> None:
    configure(world)

    world.released(world.dag("etl", lines="password = 'hunter2'"))

    assert "hunter2" not in str([row.notice for row in outbox(world)])


def end_rejected(world: World, release: Release, clock: FrozenClock) -> None:
    world.decide(release, verdict=Verdict.REJECT)


def end_expired(world: World, release: Release, clock: FrozenClock) -> None:
    clock.advance(hours=25)
    releases.get_locked(world.ctx, actor=DEV, release_id=release.id)


def end_not_executed(world: World, release: Release, clock: FrozenClock) -> None:
    world.decide(release)
    end_expired(world, release, clock)


def end_in_an_emergency(world: World, release: Release, clock: FrozenClock) -> None:
    world.break_glass(release, ADMIN)


@pytest.mark.parametrize(
    ("end", "events"),
    [
        (end_rejected, ["requested", "decided"]),
        (end_expired, ["requested", "expired"]),
        (end_not_executed, ["requested", "decided", "expired"]),
        (end_in_an_emergency, ["requested", "decided", "glass_broken"]),
    ],
)
def test_every_end_is_told_once(world: World, clock: FrozenClock, end: Any, events: list[str]) -> None:
    configure(world, break_glass_roles=["admin"])

    end(world, world.waiting(world.dag("etl")), clock)

    assert told(world) == events


def test_a_check_that_fails_before_anybody_was_asked_is_told_under_the_flow_that_would_apply(
    world: World,
) -> None:
    configure(world)

    world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    (row,) = outbox(world)
    assert (row.event, row.notice["reason"]) == (
        NotificationEvent.FAILED,
        "Parses: ImportError: no module shop",
    )


def test_only_the_events_that_a_notifier_wants_are_told(world: World) -> None:
    configure(world, {**NOTIFIER, "events": ["released"]}, {**NOTIFIER, "events": ["decided", "released"]})

    world.released(world.dag("etl"))

    assert told(world) == ["decided", "released", "released"]


def test_a_release_goes_by_the_notifiers_of_the_flow_it_started_with(world: World) -> None:
    configure(world)
    release = world.waiting(world.dag("etl"))
    (flow, _) = flow_admin.list_flows(world.ctx, actor=ADMIN)
    assert flow.id is not None
    flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[flow.id])

    world.promote(world.decide(release))

    assert told(world) == ["requested", "decided", "released"]


def test_a_gate_tells_of_its_request_and_its_end(world: World, clock: FrozenClock) -> None:
    configure(world, kind="gate")
    gate = world.gate(message="Look at the totals")
    clock.advance(hours=25)
    gates.get_locked(world.ctx, actor=ADMIN, gate_id=gate.id)

    assert told(world) == ["requested", "expired"]
    notice = outbox(world)[0].notice
    assert (notice["number"], notice["title"], notice["reviewers"]) == ("Gate 1", "Go on?", ["reviewer"])
    assert (notice["gate"]["task_id"], notice["gate"]["message"]) == ("task", "Look at the totals")


@pytest.mark.req("R17")
def test_a_rollback_that_people_asked_for_is_told_under_the_flow_of_what_it_takes_out(world: World) -> None:
    configure(world)
    first = world.released(world.dag("etl"))
    scope = UndoRelease(first.id)
    plan = planning.plan(world.ctx, actor=DEV, scope=scope)
    asked = rollbacks.request(
        world.ctx,
        actor=DEV,
        scope=scope,
        digest=plan.digest,
        release_request=ReleaseRequest("", ["reviewer"]),
    )
    back = world.promote(world.decide(world.report(asked)))

    last = outbox(world)[-1]

    assert (last.event, last.subject_id) == (NotificationEvent.ROLLED_BACK, first.id)
    assert last.notice["summary"] == f"{first.number} A release was rolled back: it is out of prod"
    assert last.notice["reason"] == f"Rolled back by {back.number}."


def test_what_the_database_takes_back_is_not_told(world: World) -> None:
    configure(world)
    world.ctx.session.commit()
    world.waiting(world.dag("etl"))
    world.ctx.session.rollback()

    assert told(world) == []


def test_a_flow_without_notifiers_tells_nobody(world: World) -> None:
    world.released(world.dag("etl"))

    assert told(world) == []


@pytest.mark.parametrize(
    ("notifier", "said"),
    [
        ({"notifier": "airflow.providers.smtp.notifications.smtp.Nobody"}, "cannot be imported"),
        ({"notifier": "airflow.providers.nowhere.Notifier"}, "cannot be imported"),
        ({"notifier": "airflow.providers.smtp.hooks.smtp.SmtpHook"}, "no subclass|not a subclass"),
        ({"notifier": "os.system"}, r"\[release\] notifiers allows airflow\.providers\.\*"),
        ({"notifier": SMTP}, "missing a required argument: 'to'"),
        ({"notifier": SMTP, "kwargs": {"to": "a@b.c", "url": "https://u:pw@host/"}}, "URL with a password"),
        (
            {"notifier": SMTP, "kwargs": {"to": "a@b.c", "x": [{"password": "p"}]}},
            r"kwargs\.x\[0\]\.password",
        ),
        ({"notifier": SMTP, "kwargs": {"to": "a@b.c"}, "event": ["released"]}, "unknown key 'event'"),
        ({"notifier": SMTP, "kwargs": {"to": "a@b.c"}, "events": ["gone"]}, "unknown event 'gone'"),
    ],
)
def test_a_notifier_that_cannot_work_is_refused_when_the_flow_is_saved(
    world: World, notifier: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        configure(world, notifier)
