"""Who of several API servers looks after something that one of them shall do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base, UtcDateTime


class Lease(Base):
    """A duty that one process at a time has; see :mod:`airflow_release_plugin.services.runtime.leases`."""

    __tablename__ = "release_lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(250), comment="host and process")
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    notes: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, comment="what the holder leaves for its next look, or the next holder"
    )
