"""Which changes a reviewer has ticked off."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base


class ViewedFile(Base):
    """One reader has seen one change of a release; a further change of the file is another one."""

    __tablename__ = "release_viewed_file"

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), primary_key=True)
    actor_id: Mapped[str] = mapped_column(String(250), primary_key=True)
    content: Mapped[str] = mapped_column(
        String(64), primary_key=True, comment="SHA-256 of path, and of mode and blob before and after"
    )
