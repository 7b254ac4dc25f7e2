"""What people are told in person, and how they want it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.models.base import Base, EnumText, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON


class Notice(Base):
    """One thing that one person is told; words are made where it is shown."""

    __tablename__ = "release_notice"
    __table_args__ = (
        Index(None, "person_id", "id"),
        Index(None, "person_id", "read_at"),
        Index(None, "in_next_digest", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(String(250))
    person_name: Mapped[str] = mapped_column(String(250), comment="login name")
    event: Mapped[NotificationEvent] = mapped_column(EnumText(NotificationEvent))
    subject_type: Mapped[str] = mapped_column(String(32), comment="release, gate, export or import")
    subject_id: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(
        MessageJSON, comment="what a notifier is told of the same; no code"
    )
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    in_next_digest: Mapped[bool] = mapped_column(default=False, comment="until the digest is in the outbox")


class NoticeChoice(Base):
    """How a person wants to be told of one kind of event; without a row the usual way counts."""

    __tablename__ = "release_notice_choice"

    person_id: Mapped[str] = mapped_column(String(250), primary_key=True)
    event: Mapped[NotificationEvent] = mapped_column(EnumText(NotificationEvent), primary_key=True)
    way: Mapped[NoticeWay] = mapped_column(EnumText(NoticeWay))
