"""Which notifiers a flow tells of what, and what it may not say about them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from airflow_release_plugin.messages import Message

MAX_NOTIFIERS = 20
REMIND_AFTER = 3 / 4
"""Share of the approval window that passes without an answer before people are reminded."""
_CLASSPATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|credential", re.I)
_SECRET_URL = re.compile(r"\w://[^/\s@]*:[^/\s@{]+@")


class NotificationEvent(str, Enum):
    """What people may be told of."""

    REQUESTED = "requested"
    """People are asked to decide."""
    REMINDED = "reminded"
    """Most of the approval window is over without an answer: it is about to expire."""
    DECIDED = "decided"
    """Somebody approved or rejected."""
    EXPIRED = "expired"
    """A window ended before people decided, or before the release was executed."""
    RELEASED = "released"
    """The target has the release."""
    FAILED = "failed"
    """The release failed, is stale, or our machinery broke."""
    ROLLED_BACK = "rolled_back"
    """A rollback that people asked for took the whole release out of the target."""
    MENTIONED = "mentioned"
    """Somebody named people in a comment on the release."""
    GLASS_ASKED = "glass_asked"
    """Somebody wants to break the glass, which takes a second person."""
    GLASS_BROKEN = "glass_broken"
    """The glass of a release was broken; somebody is to review that."""
    DRIFTED = "drifted"
    """What runs is not what was approved; no flow's business."""
    DRIFT_ENDED = "drift_ended"
    """What runs is what was approved again, seen from every machine."""
    EXPORT_READY = "export_ready"
    """A bundle can be downloaded."""
    EXPORT_FAILED = "export_failed"
    """A bundle could not be made."""
    IMPORT_APPLIED = "import_applied"
    """What a bundle brings is here."""
    IMPORT_FAILED = "import_failed"
    """A bundle was refused, expired, or could not be applied."""
    DIGEST = "digest"
    """What a person wanted to be told of together."""


DRIFT_EVENTS = (NotificationEvent.DRIFTED, NotificationEvent.DRIFT_ENDED)
"""What the notifiers of the drift guard tell of."""
TRANSFER_EVENTS = (
    NotificationEvent.EXPORT_READY,
    NotificationEvent.EXPORT_FAILED,
    NotificationEvent.IMPORT_APPLIED,
    NotificationEvent.IMPORT_FAILED,
)
"""What only the person is told who asked for it."""
FLOW_EVENTS = tuple(
    event
    for event in NotificationEvent
    if event not in {*DRIFT_EVENTS, *TRANSFER_EVENTS, NotificationEvent.DIGEST}
)
"""What those of flows tell of."""
PERSONAL_EVENTS = (*FLOW_EVENTS, *TRANSFER_EVENTS)
"""What people are told of in person."""


@dataclass(frozen=True)
class NotifierSpec:
    """
    One notifier of a flow, as it is written there.

    :param notifier: classpath of a subclass of Airflow's ``BaseNotifier``
    :param kwargs: what it is made with; strings are templates where the class says so
    :param events: what it tells of; everything if empty
    """

    notifier: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    events: tuple[NotificationEvent, ...] = ()


def wants(notifier: Mapping[str, Any], event: NotificationEvent) -> bool:
    """Whether a notifier in its JSON form is to tell of ``event``."""
    events = notifier.get("events") or [event.value]
    return event.value in events


def reminder_due_at(opened_at: datetime, expires_at: datetime) -> datetime:
    """When people are reminded of a request that is still open."""
    return opened_at + (expires_at - opened_at) * REMIND_AFTER


def read_notifiers(text: str, events: Sequence[NotificationEvent]) -> tuple[list[dict[str, Any]], list[str]]:
    """Notifiers of a setting from JSON, and what is wrong with them, one sentence each."""
    try:
        notifiers = json.loads(text or "[]")
    except ValueError as error:
        return [], [Message("It is no JSON: %(error)s.", error=error)]
    if not isinstance(notifiers, list):
        return [], [Message("It must be a list of notifiers.")]
    problems = notifier_problems(notifiers, events)
    return ([] if problems else notifiers), problems


def notifier_problems(
    notifiers: Sequence[Any], events: Sequence[NotificationEvent] = FLOW_EVENTS
) -> list[str]:
    """What is wrong with the ``notifiers`` of a flow, one sentence each; ``events`` are those to choose."""
    if len(notifiers) > MAX_NOTIFIERS:
        return [
            Message(
                "There are at most %(most)s notifiers; here are %(number)s.",
                most=MAX_NOTIFIERS,
                number=len(notifiers),
            )
        ]
    return [
        Message("Notifier %(number)s: %(problem)s", number=number, problem=problem)
        for number, raw in enumerate(notifiers, start=1)
        for problem in _problems(raw, events)
    ]


def _problems(raw: Any, events: Sequence[NotificationEvent]) -> Iterator[str]:
    if not isinstance(raw, dict):
        yield Message(
            "it must be a mapping with notifier, kwargs and events, not %(type)s.", type=type(raw).__name__
        )
        return
    unknown = sorted(map(str, set(raw) - {"notifier", "kwargs", "events"}))
    if unknown:
        yield Message(
            "unknown key %(unknown)s; possible are notifier, kwargs and events.",
            unknown=list(map(repr, unknown)),
        )
    if not isinstance(raw.get("notifier"), str) or not _CLASSPATH.fullmatch(raw["notifier"]):
        yield Message(
            "notifier must be a classpath such as 'airflow.providers.smtp.notifications.smtp.SmtpNotifier'."
        )
    kwargs = raw.get("kwargs", {})
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) and key.isidentifier() for key in kwargs):
        yield Message("kwargs must be a mapping of parameter names to values.")
    else:
        yield from _secret_problems(kwargs)
    yield from _event_problems(raw.get("events", []), [event.value for event in events])


def _event_problems(events: Any, known: Sequence[str]) -> Iterator[str]:
    if not isinstance(events, list):
        yield Message("events must be a list of %(known)s.", known=list(known))
        return
    unknown = [event for event in events if event not in known]
    if unknown:
        yield Message(
            "unknown event %(unknown)s; possible are %(known)s.",
            unknown=list(map(repr, unknown)),
            known=list(known),
        )


def _secret_problems(value: Any, path: str = "kwargs") -> Iterator[str]:
    """Secrets do not belong into a flow: everybody reads it, and every revision is kept."""
    advice = Message("everybody can read a flow; keep it in an Airflow connection and name that.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if _SECRET_NAME.search(str(key)):
                yield Message(
                    "%(path)s.%(key)s looks like a secret, and %(advice)s", path=path, key=key, advice=advice
                )
            else:
                yield from _secret_problems(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _secret_problems(inner, f"{path}[{index}]")
    elif isinstance(value, str) and _SECRET_URL.search(value):
        yield Message("%(path)s holds a URL with a password, and %(advice)s", path=path, advice=advice)
