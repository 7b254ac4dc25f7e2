"""Machines that follow an environment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base, UtcDateTime


class Follower(Base):
    """A machine that serves an environment, as it said itself; shown to people, and trusted with nothing."""

    __tablename__ = "release_follower"

    environment: Mapped[str] = mapped_column(String(250), primary_key=True)
    host: Mapped[str] = mapped_column(String(250), primary_key=True)
    serves: Mapped[str] = mapped_column(String(40), comment="commit that it served then; empty for nothing")
    pause: Mapped[int] = mapped_column(comment="seconds within which it means to give the next sign")
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when it asked last")
