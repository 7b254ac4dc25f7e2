"""Whom something concerns, and when digests are due."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_release_plugin.domain.flow.notice import USUAL_WAYS, concerned, digest_boundary
from airflow_release_plugin.domain.flow.notification import PERSONAL_EVENTS, NotificationEvent
from airflow_release_plugin.domain.identity import Person

pytestmark = pytest.mark.req("R40")
DEV, ANN, BEN = Person("1", "dev"), Person("2", "ann"), Person("3", "ben")


def names(event: NotificationEvent, *, actor: str = "", decided: tuple[str, ...] = ()) -> list[str]:
    people = concerned(event, requester=DEV, asked=[ANN, BEN, ANN, DEV], decided=decided, actor=actor)
    return [person.name for person in people]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("requested", ["ann", "ben"]),
        ("reminded", ["ann", "ben"]),
        ("decided", ["dev"]),
        ("released", ["dev", "ann", "ben"]),
        ("failed", ["dev"]),
        ("expired", ["dev", "ann", "ben"]),
        ("rolled_back", ["dev", "ann", "ben"]),
    ],
)
def test_each_is_told_once_of_what_concerns_them(event: str, told: list[str]) -> None:
    assert names(NotificationEvent(event)) == told


def test_who_did_it_knows() -> None:
    assert names(NotificationEvent.DECIDED, actor=DEV.id) == []


def test_who_has_decided_is_not_reminded() -> None:
    assert names(NotificationEvent.REMINDED, decided=(ANN.id,)) == ["ben"]


def test_there_is_a_usual_way_for_everything() -> None:
    assert USUAL_WAYS.keys() == set(PERSONAL_EVENTS)


@pytest.mark.parametrize(
    ("now", "hour", "boundary"),
    [
        ("05T06:59", 7, "04T07:00"),
        ("05T07:00", 7, "05T07:00"),
        ("05T23:59", 0, "05T00:00"),
        ("05T03:00", 99, "05T03:00"),
    ],
)
def test_digests_are_due_once_a_day(now: str, hour: int, boundary: str) -> None:
    at = [datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=timezone.utc) for text in (now, boundary)]

    assert digest_boundary(at[0], hour) == at[1]
