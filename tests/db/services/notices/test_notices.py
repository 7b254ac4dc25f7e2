"""What people are told in person: in their list, at once, together, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import PERSONAL_EVENTS, NotificationEvent
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.languages import speaking
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Notice
from airflow_release_plugin.services.approvals import notifications
from airflow_release_plugin.services.exports import job
from airflow_release_plugin.services.notices import digests, mine, telling
from airflow_release_plugin.services.runtime import preferences
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, FAILED, REVIEWER, World, steps_of, with_settings
from tests.harness.databases import counted
from tests.harness.exports import ask, with_transfers
from tests.harness.marked_language import OPEN, TAG, speak_marked, without_marks
from tests.harness.outbox import SMTP, outbox, told

pytestmark = pytest.mark.req("R40")
PERSONAL = json.dumps([{"notifier": SMTP, "kwargs": {"to": "{{ notice.person }}@example.org"}}])


def listed(world: World, actor: Actor) -> list[str]:
    return [row.event.value for row in mine.get_list(world.ctx, actor=actor).page.items]


def choose(world: World, actor: Actor, **ways: str) -> None:
    chosen = {NotificationEvent(event): NoticeWay(way) for event, way in ways.items()}
    mine.choose(world.ctx, actor=actor, chosen=chosen)


def test_a_release_tells_those_whom_each_step_concerns(world: World) -> None:
    world.released(world.dag("etl"))

    assert listed(world, DEV) == ["released", "decided"]
    assert listed(world, REVIEWER) == ["released", "requested"]
    assert listed(world, ADMIN) == []


def test_a_failed_check_tells_who_requested(world: World) -> None:
    world.report(world.request(world.submit(world.dag("etl"))), FAILED)

    (row,) = mine.get_list(world.ctx, actor=DEV).page.items
    assert (row.event.value, row.facts["reason"]) == ("failed", "Parses: ImportError: no module shop")


def test_a_message_goes_out_at_once_for_what_waits_for_somebody(world: World) -> None:
    world = with_settings(world, personal_notifiers=PERSONAL)
    world.released(world.dag("etl"))

    (row,) = outbox(world)
    assert (row.event.value, row.notice["person"], row.notice["text"]) == (
        "requested",
        "reviewer",
        row.notice["summary"],
    )


def test_a_message_is_in_the_language_of_its_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    speak_marked(monkeypatch)
    world = with_settings(world, personal_notifiers=PERSONAL, digest_hour=7)
    choose(world, DEV, decided="at_once")
    preferences.remember(world.ctx, actor=REVIEWER, page=preferences.LANGUAGE, query=TAG)

    with speaking(TAG):  # whoever acts speaks it, too: that is nothing to those who are told
        world.released(world.dag("etl"))

    told_in = {row.notice["person"]: row.notice["text"] for row in outbox(world)}
    assert told_in["reviewer"].startswith(OPEN)
    assert without_marks(told_in["reviewer"]) == "R-000001 A release awaits approval"
    assert told_in["dev"] == "R-000001 A release: reviewer decided: approve"
    (row,) = mine.get_list(world.ctx, actor=REVIEWER, unread_only=True).page.items[1:]
    assert isinstance(row.facts["summary"], Message)


def test_everybody_chooses_for_each_kind(world: World) -> None:
    world = with_settings(world, personal_notifiers=PERSONAL)
    choose(world, REVIEWER, requested="none", released="at_once")
    choose(world, DEV, decided="none")
    choose(world, DEV, decided="at_once")

    world.released(world.dag("etl"))

    assert [(row.event.value, row.notice["person"]) for row in outbox(world)] == [
        ("decided", "dev"),
        ("released", "reviewer"),
    ]
    assert listed(world, REVIEWER) == ["released"]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_all_kinds_are_chosen_in_one_statement_and_a_second_time(world: World, engine: Engine) -> None:
    choose(world, DEV, decided="none", released="digest")

    with counted(engine) as statements:
        found = mine.choose(world.ctx, actor=DEV, chosen=dict.fromkeys(PERSONAL_EVENTS, NoticeWay.NONE))

    assert set(found.values()) == {NoticeWay.NONE}
    assert [statement.split()[0] for statement in statements] == ["INSERT", "SELECT"]
    assert NoticeWay.NONE not in mine.ways(world.ctx, actor=REVIEWER).values()


def test_what_nobody_is_told_of_in_person_cannot_be_chosen(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="Nobody is told of 'drifted' in person"):
        choose(world, DEV, drifted="list")


def test_a_digest_gathers_what_was_told_before_its_hour(world: World, clock: FrozenClock) -> None:
    world = with_settings(world, personal_notifiers=PERSONAL, digest_hour=7)
    choose(world, DEV, decided="digest", released="digest")
    world.released(world.dag("etl"), world.dag("report"))
    digests.gather(world.ctx)
    before = told(world)
    clock.advance(hours=24)
    world.released(world.dag("late"))  # after the hour: it is for the next one
    digests.gather(world.ctx)
    digests.gather(world.ctx)

    rows = [row for row in outbox(world) if row.event is NotificationEvent.DIGEST]
    assert "digest" not in before
    assert [row.notice["person"] for row in rows] == ["dev"]
    assert [item["summary"] for item in rows[0].notice["items"]] == [
        "R-000001 A release: reviewer decided: approve",
        "R-000001 A release is released to prod",
    ]
    assert rows[0].notice["summary"] == "2 things to know about releases"
    assert f"{world.ctx.settings.base_url}/release/ui/releases/1" in rows[0].notice["text"]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_people_read_their_own_and_nobody_elses(world: World) -> None:
    world.released(world.dag("etl"))
    ids = [row.id for row in world.ctx.session.scalars(select(Notice))]

    mine.mark_read(world.ctx, actor=DEV, notice_ids=ids)
    assert (mine.count_unread(world.ctx, actor=DEV), mine.count_unread(world.ctx, actor=REVIEWER)) == (0, 2)
    assert mine.get_list(world.ctx, actor=DEV, unread_only=True).page.total_entries == 0
    assert listed(world, DEV) == ["released", "decided"]

    mine.mark_read(world.ctx, actor=REVIEWER)
    assert mine.count_unread(world.ctx, actor=REVIEWER) == 0


def test_more_than_can_be_marked_at_once_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="At most 1000"):
        mine.mark_read(world.ctx, actor=DEV, notice_ids=range(1001))


@pytest.mark.parametrize("people", [1, 30])
def test_telling_costs_the_same_whoever_many_there_are(world: World, people: int) -> None:
    with counted(world.ctx.session.connection().engine) as queries:
        telling.tell(
            world.ctx,
            [Person(str(number), f"p{number}") for number in range(people)],
            NotificationEvent.RELEASED,
            subject_type="release",
            subject_id=1,
            facts={},
        )
        world.ctx.session.flush()

    assert len(queries) == 2, queries


def test_a_role_of_too_many_finds_it_in_its_inbox(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "MOST_TOLD", 0)
    world.released(world.dag("etl"))

    assert listed(world, DEV) == []


@pytest.mark.parametrize("text", ["[{", "{}", '[{"notifier": "x.Y", "events": ["drifted"]}]'])
def test_notifiers_that_make_no_sense_stand_in_nobodys_way(
    world: World, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    world = with_settings(world, personal_notifiers=text, release_notifiers=text)
    world.released(world.dag("etl"))

    assert {"personal_notifiers", "release_notifiers"} <= set(world.ctx.settings.problems())
    assert "personal_notifiers tells nobody" in caplog.text
    assert "release_notifiers tells nobody" in caplog.text
    assert listed(world, DEV) == ["released", "decided"]


def test_the_installation_may_be_told_of_everything_whatever_the_flow(world: World) -> None:
    everywhere: list[dict[str, Any]] = [{"notifier": SMTP, "kwargs": {}, "events": ["released"]}]
    world = with_settings(world, release_notifiers=json.dumps(everywhere))

    world.released(world.dag("etl"))

    assert told(world) == ["released"]


@pytest.mark.req("R50")
@pytest.mark.parametrize("is_broken", [False, True])
def test_who_asked_for_an_export_is_told_how_it_ended(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_broken: bool
) -> None:
    world = with_transfers(world, tmp_path)
    world.released(world.dag("etl"))
    row = ask(world, "etl")
    if is_broken:
        monkeypatch.setattr(job, "make_bundle", lambda *_, **__: 1 / 0)

    job.run_once(work=steps_of(world))

    asker = Actor(row.requested_by_id, row.requested_by_name)
    newest = mine.get_list(world.ctx, actor=asker).page.items[0]
    assert (newest.event.value, newest.subject_id) == (
        "export_failed" if is_broken else "export_ready",
        row.id,
    )
    assert bool(newest.facts["reason"]) is is_broken
