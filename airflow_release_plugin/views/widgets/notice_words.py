"""What happened, in one sentence for the person whom it concerns."""

from __future__ import annotations

from typing import Any

from flask import url_for

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models import Notice
from airflow_release_plugin.views.widgets.labels import STATE_LOOKS


def notice_sentence(row: Notice) -> str:
    """The sentence of a notice; the name of what it is about is not part of it."""
    facts: dict[str, Any] = row.facts
    where = facts.get("environment", "")
    state = STATE_LOOKS.get(facts.get("state", ""), (facts.get("state", ""),))[0]
    sentences = {
        NotificationEvent.REQUESTED: _("%(who)s asks for your approval.", who=facts.get("requester", "")),
        NotificationEvent.REMINDED: _("It still awaits your approval and is about to expire."),
        NotificationEvent.DECIDED: _("%(who)s approved it.", who=facts.get("actor", ""))
        if facts.get("verdict") == "approve"
        else _("%(who)s rejected it.", who=facts.get("actor", "")),
        NotificationEvent.EXPIRED: _("It has expired."),
        NotificationEvent.RELEASED: _("It is released to %(target)s.", target=where),
        NotificationEvent.FAILED: _("It ended: %(state)s.", state=state),
        NotificationEvent.ROLLED_BACK: _("It was rolled back: it is out of %(target)s.", target=where),
        NotificationEvent.MENTIONED: _("%(who)s wrote to you.", who=facts.get("actor", "")),
        NotificationEvent.GLASS_ASKED: _(
            "%(who)s wants to break the glass and asks for a second person.", who=facts.get("actor", "")
        ),
        NotificationEvent.GLASS_BROKEN: _(
            "Its glass was broken by %(who)s; that waits for your review.", who=facts.get("actor", "")
        ),
        NotificationEvent.EXPORT_READY: _("Its file can be downloaded."),
        NotificationEvent.EXPORT_FAILED: _("Its file could not be made."),
        NotificationEvent.IMPORT_APPLIED: _("What it brings is here."),
        NotificationEvent.IMPORT_FAILED: _("Nothing of it is here."),
    }
    return sentences[row.event]


def notice_link(row: Notice) -> str:
    """The page of what a notice is about."""
    tab = "activity" if row.event is NotificationEvent.MENTIONED else None
    return subject_link(row.subject_type, row.subject_id, tab=tab)


def subject_link(subject_type: str, subject_id: int, *, tab: str | None = None) -> str:
    """The page of what a notice or notification is about; ``tab`` is of a release."""
    if subject_type == "release":
        return url_for("ReleasesPage.show", release_id=subject_id, tab=tab)
    if subject_type == "gate":
        return url_for("ApprovalsPage.gate", gate_id=subject_id)
    if subject_type == "import":
        return url_for("ImportPage.show", import_id=subject_id)
    pages = {
        "export": "ExportsPage.list",
        "environment": "EnvironmentPage.show",
        "person": "NotificationsPage.list",
    }
    return url_for(pages[subject_type])
