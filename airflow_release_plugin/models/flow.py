"""Approval flows with their revisions, and deputies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.values import stored_flow
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.models.base import Base, EnumText, UtcDateTime


class Flow(Base):
    """A flow as it is now. What is under way goes by the copy in its approval, not by this row."""

    __tablename__ = "release_flow"
    __table_args__ = (UniqueConstraint("name"), Index(None, "priority"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(110))
    kind: Mapped[ReleaseKind] = mapped_column(EnumText(ReleaseKind))
    enabled: Mapped[bool]
    priority: Mapped[int] = mapped_column(comment="1 is tried first")
    revision: Mapped[int] = mapped_column(comment="1, 2, …; each edit makes a new one")
    spec_json: Mapped[dict[str, Any]] = mapped_column(
        "spec", JSON, comment="the form that flows export writes"
    )
    created_by_id: Mapped[str] = mapped_column(String(250))
    created_by_name: Mapped[str] = mapped_column(String(250))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_by_id: Mapped[str] = mapped_column(String(250))
    updated_by_name: Mapped[str] = mapped_column(String(250))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    @property
    def spec(self) -> FlowSpec:
        """The flow's content."""
        return stored_flow(self.spec_json)

    @property
    def created_by(self) -> Person:
        """Who made it."""
        return Person(self.created_by_id, self.created_by_name)

    @property
    def updated_by(self) -> Person:
        """Who edited it last."""
        return Person(self.updated_by_id, self.updated_by_name)


class FlowRevision(Base):
    """What a flow was at one time. Kept when the flow is deleted: approvals name it."""

    __tablename__ = "release_flow_revision"
    __table_args__ = (UniqueConstraint("flow_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    flow_id: Mapped[int] = mapped_column(comment="not a foreign key: revisions outlive their flow")
    revision: Mapped[int]
    spec_json: Mapped[dict[str, Any]] = mapped_column("spec", JSON)
    made_by_id: Mapped[str] = mapped_column(String(250))
    made_by_name: Mapped[str] = mapped_column(String(250))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def made_by(self) -> Person:
        """Who made it."""
        return Person(self.made_by_id, self.made_by_name)


class Deputy(Base):
    """For a time, somebody may decide in somebody else's place."""

    __tablename__ = "release_deputy"
    __table_args__ = (Index(None, "deputy_id"), Index(None, "person_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(String(250), comment="whose place is taken")
    person_name: Mapped[str] = mapped_column(String(250))
    deputy_id: Mapped[str] = mapped_column(String(250))
    deputy_name: Mapped[str] = mapped_column(String(250))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[str] = mapped_column(String(250))
    made_by_name: Mapped[str] = mapped_column(String(250))

    @property
    def person(self) -> Person:
        """Whose place is taken."""
        return Person(self.person_id, self.person_name)

    @property
    def deputy(self) -> Person:
        """Who takes it."""
        return Person(self.deputy_id, self.deputy_name)
