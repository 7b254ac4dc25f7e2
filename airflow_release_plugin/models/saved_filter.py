"""Filters of lists that people keep under a name."""

from __future__ import annotations

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.models.base import Base, EnumText


class SavedFilter(Base):
    """One filter of one person for one list."""

    __tablename__ = "release_saved_filter"
    __table_args__ = (UniqueConstraint("actor_id", "page", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[str] = mapped_column(String(250))
    page: Mapped[ListPage] = mapped_column(EnumText(ListPage))
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[str] = mapped_column(Text, comment="the filter as a query string")
