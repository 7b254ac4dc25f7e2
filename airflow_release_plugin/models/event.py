"""The append-only audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.models.base import Base, EnumText, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON


class Event(Base):
    """One line of the trail; ``hash`` covers it and its predecessor."""

    __tablename__ = "release_event"
    __table_args__ = (Index(None, "subject", "sequence"), Index(None, "time"))

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[datetime] = mapped_column(UtcDateTime)
    tag: Mapped[EventTag] = mapped_column(EnumText(EventTag))
    actor_id: Mapped[str] = mapped_column(String(250))
    actor_name: Mapped[str] = mapped_column(String(250))
    subject: Mapped[str] = mapped_column(
        String(64), comment="release:7, gate:3, submission:12, environment:prod"
    )
    data: Mapped[dict[str, Any]] = mapped_column(MessageJSON, comment="facts as they were")
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    @property
    def actor(self) -> Person:
        """Who did it."""
        return Person(self.actor_id, self.actor_name)


class EventHead(Base):
    """One row: the end of the chain. Locked while an event is appended, so that the chain cannot fork."""

    __tablename__ = "release_event_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class EventArchive(Base):
    """A part of the trail that went into a file; from its last event the chain goes on."""

    __tablename__ = "release_event_archive"
    __table_args__ = (UniqueConstraint("last_sequence"),)

    first_sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_sequence: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="latest time of an event in it")
    hash: Mapped[str] = mapped_column(String(64), comment="of the last event")
    name: Mapped[str] = mapped_column(String(64), comment="of the file")
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    envelope: Mapped[str] = mapped_column(Text, comment="signature, as it is beside the file")
    host: Mapped[str] = mapped_column(String(250), comment="server that wrote it")
    archived_at: Mapped[datetime] = mapped_column(UtcDateTime)
