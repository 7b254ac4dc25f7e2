"""The git mirror that branches and tags are pushed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.release.mirror import MovedRef
from airflow_release_plugin.models.base import Base, UtcDateTime
from airflow_release_plugin.models.message_types import MessageText


class MirrorRecord(Base):
    """What was seen of the mirror last. There is one mirror; what it is, the settings say."""

    __tablename__ = "release_mirror"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="always 1")
    url: Mapped[str] = mapped_column(String(2000), comment="without a password")
    heads: Mapped[dict[str, str]] = mapped_column(
        JSON, default=dict, comment="commits of the branches as they were pushed last"
    )
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="when it answered last")
    behind_since: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="empty while it has everything"
    )
    problem: Mapped[str] = mapped_column(MessageText, default="", comment="why the last attempt failed")
    failures: Mapped[int] = mapped_column(default=0, comment="in a row")
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="not tried again before")
    moved_json: Mapped[list[dict[str, str]]] = mapped_column(
        "moved", JSON, default=list, comment="ref, found and ours of what somebody else moved"
    )
    overwrite: Mapped[dict[str, str]] = mapped_column(
        JSON, default=dict, comment="commits there, by ref, that an admin gave up"
    )

    @property
    def moved(self) -> tuple[MovedRef, ...]:
        """What somebody else moved."""
        return tuple(MovedRef(**each) for each in self.moved_json)

    @moved.setter
    def moved(self, moved: Sequence[MovedRef]) -> None:
        self.moved_json = [each.to_dict() for each in moved]
