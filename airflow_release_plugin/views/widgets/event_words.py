"""What happened to a release, in the words of people; events of other things keep their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.messages import Message, counted, together
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models import Event
from airflow_release_plugin.views.widgets.labels import EVENT_LABELS, STATE_LOOKS


@dataclass(frozen=True)
class EventWords:
    """
    How an event is told.

    :param text: what happened
    :param tone: colour of a state, or nothing
    :param note: what somebody wrote, or what was found
    :param has_state: whether the text says all that the states in the event do
    """

    text: str
    tone: str = ""
    note: str = ""
    has_state: bool = True


def event_words(event: Event) -> EventWords:
    """How an event is told."""
    tell = _TELLERS.get(event.tag)
    said = tell(event) if tell else ("", "")
    note = _note(event)
    if not said[0]:
        return EventWords(EVENT_LABELS.get(event.tag.value, event.tag.value), "", note, has_state=False)
    return EventWords(said[0], said[1], note)


def _note(event: Event) -> str:
    lines = [event.data[key] for key in ("comment", "reason") if event.data.get(key)]
    lines += [line for key in ("problems", "added") for line in event.data.get(key) or ()]
    return together(lines, "\n") if lines else ""


_MOVES: Mapping[str, str] = {
    "awaiting_approval": Message("Checked; the reviewers are asked"),
    "approved": Message("May be released now"),
    "released": Message("Brought to the target"),
    "rejected": Message("Rejected; its versions went back to the list"),
    "revoked": Message("Taken back; its versions went back to the list"),
    "expired": Message("Expired; its versions went back to the list"),
    "failed": Message("Failed"),
    "errored": Message("Stopped by an error"),
    "stale": Message("Out of date: the target changed meanwhile"),
    "rolled_back": Message("Taken out of the target again"),
}
_CLOSINGS: Mapping[str, str] = {
    "approved": Message("Everybody who had to has approved"),
    "rejected": Message("The approval ended with a no"),
    "withdrawn": Message("The approval was withdrawn and counts no more"),
    "expired": Message("Nobody decided in time"),
}

_Told = tuple[str, str]


def _moved(event: Event) -> _Told:
    after = str(event.data.get("after", ""))
    tone = STATE_LOOKS[after][1] if after in STATE_LOOKS else ""
    if after == "checking":
        return _("Attempt %(attempt)s is being checked", attempt=event.data.get("attempt", 1)), tone
    return _MOVES.get(after, ""), tone


def _retried(event: Event) -> _Told:
    attempt, added = event.data.get("attempt", ""), event.data.get("added") or ()
    if added:
        words = counted(
            "Added %(num)s file that the check found lacking, and started attempt %(attempt)s",
            "Added %(num)s files that the check found lacking, and started attempt %(attempt)s",
            len(added),
            attempt=attempt,
        )
        return words, ""
    if event.data.get("approval_kept"):
        return _("Started attempt %(attempt)s; what people approved still counts", attempt=attempt), ""
    return _("Started attempt %(attempt)s", attempt=attempt), ""


def _decided(event: Event) -> _Told:
    is_yes = event.data.get("verdict") == "approve"
    tone = "success" if is_yes else "failed"
    if place_of := event.data.get("place_of"):
        words = _("Approved for %(person)s", person=place_of)
        return words if is_yes else _("Rejected for %(person)s", person=place_of), tone
    return _("Approved") if is_yes else _("Rejected"), tone


def _checked(event: Event) -> _Told:
    passed, is_test = bool(event.data.get("passed")), event.data.get("kind") == "test"
    attempt = event.data.get("attempt", "")
    if is_test:
        words = (
            _("A test passed in attempt %(attempt)s", attempt=attempt)
            if passed
            else _("A test failed in attempt %(attempt)s", attempt=attempt)
        )
    else:
        words = (
            _("The check of attempt %(attempt)s passed", attempt=attempt)
            if passed
            else _("The check of attempt %(attempt)s failed", attempt=attempt)
        )
    return words, "success" if passed else "failed"


def _verified(event: Event) -> _Told:
    passed, is_soak = bool(event.data.get("passed")), event.data.get("kind") == "soak"
    if is_soak:
        words = _("The first runs succeeded") if passed else _("The first runs did not succeed")
    else:
        words = (
            _("Airflow serves it as it was approved")
            if passed
            else _("Airflow does not serve it as it was approved")
        )
    return words, "success" if passed else "failed"


_TELLERS: Mapping[EventTag, Callable[[Event], _Told]] = {
    EventTag.RELEASE_CREATED: lambda _event: (_("Asked for this release"), ""),
    EventTag.RELEASE_MOVED: _moved,
    EventTag.RELEASE_RETRIED: _retried,
    EventTag.RELEASE_CHECKED: _checked,
    EventTag.RELEASE_VERIFIED: _verified,
    EventTag.RELEASE_REVOKED: lambda _event: (_("Took the release back"), ""),
    EventTag.RELEASE_GLASS_BROKEN: lambda _event: (_("Broke the glass"), "failed"),
    EventTag.RELEASE_RUN: lambda event: (_("Started %(dag)s", dag=event.data.get("dag_id", "")), ""),
    EventTag.RELEASE_RUN_FAILED: lambda event: (
        _("%(dag)s could not be started", dag=event.data.get("dag_id", "")),
        "failed",
    ),
    EventTag.APPROVAL_OPENED: lambda _event: (_("Asked for approval"), ""),
    EventTag.APPROVAL_DECIDED: _decided,
    EventTag.APPROVAL_CLOSED: lambda event: (_CLOSINGS.get(str(event.data.get("state")), ""), ""),
}
