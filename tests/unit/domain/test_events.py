from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.events import GENESIS, EventTag, event_hash

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
EVENT: dict[str, Any] = {
    "prev_hash": GENESIS,
    "sequence": 1,
    "time": NOON,
    "tag": EventTag.RELEASE_CREATED.value,
    "actor_id": "1",
    "actor_name": "dev",
    "subject": "release:1",
    "data": {"title": "发布", "files": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("prev_hash", "1" * 64),
        ("sequence", 2),
        ("time", NOON + timedelta(microseconds=1)),
        ("tag", EventTag.RELEASE_MOVED.value),
        ("actor_id", "2"),
        ("actor_name", "dev2"),
        ("subject", "release:2"),
        ("data", {"title": "发布", "files": ["b", "a"]}),
    ],
)
def test_changing_any_field_changes_the_hash(field: str, other: object) -> None:
    assert event_hash(**{**EVENT, field: other}) != event_hash(**EVENT)


def test_the_same_moment_in_another_zone_has_the_same_hash() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=8)))

    assert event_hash(**{**EVENT, "time": there}) == event_hash(**EVENT)


def test_the_order_of_keys_in_the_facts_does_not_matter() -> None:
    turned = dict(reversed(EVENT["data"].items()))

    assert event_hash(**{**EVENT, "data": turned}) == event_hash(**EVENT)


@pytest.mark.parametrize("tag", list(EventTag))
def test_a_tag_reads_subject_noun_verb(tag: EventTag) -> None:
    assert re.fullmatch(r"[a-z]+(:[a-z]+){1,2}", tag.value)
