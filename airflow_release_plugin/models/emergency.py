"""Broken glass: who did it, who confirmed it, and who looked at it afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.approval import is_past
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.states import EmergencyState
from airflow_release_plugin.models.base import Base, UtcDateTime, person


class Emergency(Base):
    """
    One time that the glass of a release was broken, or that somebody asked a second person to confirm it.

    Its state follows from what is stored and the time.
    """

    __tablename__ = "release_emergency"
    __table_args__ = (Index(None, "release_id"), Index(None, "reviewed_at", "broken_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    approval_id: Mapped[int] = mapped_column(ForeignKey("release_approval.id"))
    reason: Mapped[str] = mapped_column(Text)
    asked_by_id: Mapped[str] = mapped_column(String(250))
    asked_by_name: Mapped[str] = mapped_column(String(250))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirm_until: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="null where one person suffices"
    )
    confirmed_by_id: Mapped[str | None] = mapped_column(String(250))
    confirmed_by_name: Mapped[str | None] = mapped_column(String(250))
    confirm_reason: Mapped[str] = mapped_column(Text, default="")
    broken_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="when it took effect")
    reviewed_by_id: Mapped[str | None] = mapped_column(String(250))
    reviewed_by_name: Mapped[str | None] = mapped_column(String(250))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    review: Mapped[str] = mapped_column(
        Text, default="", comment="what came out of the look at it afterwards"
    )

    def state(self, now: datetime) -> EmergencyState:
        """How far it is at ``now``."""
        if self.reviewed_at is not None:
            return EmergencyState.REVIEWED
        if self.broken_at is not None:
            return EmergencyState.TO_REVIEW
        return EmergencyState.LAPSED if is_past(self.confirm_until, now) else EmergencyState.ASKED

    @property
    def people(self) -> frozenset[str]:
        """Ids of who did it: one or two."""
        return frozenset(each for each in (self.asked_by_id, self.confirmed_by_id) if each)

    @property
    def asked_by(self) -> Person:
        """Who began it."""
        return Person(self.asked_by_id, self.asked_by_name)

    @property
    def confirmed_by(self) -> Person | None:
        """The second person; ``None`` where one sufficed, or nobody came."""
        return person(self.confirmed_by_id, self.confirmed_by_name)

    @property
    def reviewed_by(self) -> Person | None:
        """Who looked at it afterwards."""
        return person(self.reviewed_by_id, self.reviewed_by_name)
