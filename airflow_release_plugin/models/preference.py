"""What pages remember for a user."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base


class Preference(Base):
    """How a user last left a page."""

    __tablename__ = "release_preference"

    actor_id: Mapped[str] = mapped_column(String(250), primary_key=True)
    page: Mapped[str] = mapped_column(String(50), primary_key=True)
    query: Mapped[str] = mapped_column(Text, comment="tab and filters as a query string")
