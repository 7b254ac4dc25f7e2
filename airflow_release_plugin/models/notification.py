"""The outbox: what notifiers have to tell, written in the transaction of what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON, MessageText


class Notification(Stateful, Base):
    """One thing that one notifier has to tell; a server claims it by its row version, so it is sent once."""

    __tablename__ = "release_notification"
    __table_args__ = (Index(None, "state", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[NotificationEvent] = mapped_column(EnumText(NotificationEvent))
    subject_type: Mapped[str] = mapped_column(
        String(32), comment="release, gate, export, import, environment or person"
    )
    subject_id: Mapped[int]
    notifier_json: Mapped[dict[str, Any]] = mapped_column(
        "notifier", JSON, comment="as the flow had it when the approval opened"
    )
    notice: Mapped[dict[str, Any]] = mapped_column(
        MessageJSON, comment="what its templates can use; no secrets"
    )
    state: Mapped[NotificationState] = mapped_column(EnumText(NotificationState))
    attempts: Mapped[int] = mapped_column(default=0, comment="started so far")
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(MessageText, default="", comment="why the last attempt failed")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    @property
    def about(self) -> str:
        """What it is about, as the trail names it."""
        is_environment = self.subject_type == "environment"
        return f"{self.subject_type}:{self.notice['environment'] if is_environment else self.subject_id}"

    @property
    def subject(self) -> str:
        about = self.about.replace(":", " ")
        return Message(
            "notification %(number)s (%(event)s, %(about)s)",
            number=self.id,
            event=self.event.value,
            about=about,
        )
