"""Holds of whole environments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.approval import is_past
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, UtcDateTime
from airflow_release_plugin.models.release import release_number


class Hold(Base):
    """
    "Stop the line": nothing goes to an environment but rollbacks and what is excepted, until it is lifted.

    Whoever promotes, or sets or lifts it, holds the lock on the environment.
    """

    __tablename__ = "release_hold"

    environment: Mapped[str] = mapped_column(String(250), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    held_by_id: Mapped[str] = mapped_column(String(250))
    held_by_name: Mapped[str] = mapped_column(String(250))
    held_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="null until somebody lifts it")
    excepted: Mapped[list[int]] = mapped_column(JSON, comment="ids of releases that may go out all the same")

    @property
    def held_by(self) -> Person:
        """Who set it."""
        return Person(self.held_by_id, self.held_by_name)

    @property
    def sentence(self) -> str:
        """Since when it holds, by whom and why."""
        reason = " ".join(self.reason.split()).rstrip(".")
        return Message(
            "held since %(since)s UTC by %(name)s: %(reason)s",
            since=f"{self.held_at:%Y-%m-%d %H:%M}",
            name=self.held_by_name,
            reason=reason,
        )

    @property
    def excepted_numbers(self) -> list[str]:
        """Numbers of the releases that may go out all the same."""
        return [release_number(release_id) for release_id in self.excepted]

    def stops(self, release_id: int, kind: ReleaseKind, now: datetime) -> bool:
        """Whether it keeps a release from the environment at ``now``; rollbacks never."""
        is_over = is_past(self.ends_at, now)
        return not is_over and kind is not ReleaseKind.ROLLBACK and release_id not in self.excepted
