"""What one person is told of, and in which way they want it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum

from airflow_release_plugin.domain.flow.notification import (
    PERSONAL_EVENTS,
    TRANSFER_EVENTS,
    NotificationEvent,
)
from airflow_release_plugin.domain.identity import Person


class NoticeWay(str, Enum):
    """How a person is told of something."""

    NONE = "none"
    """Not at all."""
    LIST = "list"
    """In their list, and nowhere else."""
    DIGEST = "digest"
    """In their list, and once a day together with the rest."""
    AT_ONCE = "at_once"
    """In their list, and by a message of its own."""


_NEEDS_THEM = (
    NotificationEvent.REQUESTED,
    NotificationEvent.REMINDED,
    NotificationEvent.MENTIONED,
    NotificationEvent.GLASS_ASKED,
    NotificationEvent.GLASS_BROKEN,
    *TRANSFER_EVENTS,
)
USUAL_WAYS: Mapping[NotificationEvent, NoticeWay] = {
    event: NoticeWay.AT_ONCE if event in _NEEDS_THEM else NoticeWay.LIST for event in PERSONAL_EVENTS
}
"""For people who chose nothing: a message for what waits for them, the list for the rest."""
_TELLS_THOSE_ASKED = {
    NotificationEvent.REQUESTED,
    NotificationEvent.REMINDED,
    NotificationEvent.EXPIRED,
    NotificationEvent.RELEASED,
    NotificationEvent.ROLLED_BACK,
}
_TELLS_WHO_REQUESTED = {event for event in PERSONAL_EVENTS if event not in _NEEDS_THEM}


def concerned(
    event: NotificationEvent,
    *,
    requester: Person,
    asked: Iterable[Person],
    decided: Iterable[str],
    actor: str,
) -> list[Person]:
    """
    Whom something about a release or gate concerns, each once: never who did it, who knows.

    :param asked: those who may decide, or were named to
    :param decided: ids of those who did
    :param actor: id of who did what is told; empty for the product itself
    """
    people = [requester] if event in _TELLS_WHO_REQUESTED else []
    if event in _TELLS_THOSE_ASKED:
        done = set(decided) if event is NotificationEvent.REMINDED else set()
        people += [person for person in asked if person.id not in done and person.id != requester.id]
    return list({person.id: person for person in people if person.id != actor}.values())


def digest_boundary(now: datetime, hour: int) -> datetime:
    """The last moment at which digests were due: what was told before it goes into one; ``hour`` is UTC."""
    today = now.replace(hour=hour % 24, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
