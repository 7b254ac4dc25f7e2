"""Approvals, decisions and gates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from airflow_release_plugin.domain.flow.approval import CountedDecision, Requirement, Verdict, is_past
from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.values import stored_flow
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.states import ApprovalState, GateState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime, person
from airflow_release_plugin.models.message_types import MessageText
from airflow_release_plugin.models.release import release_number


class Approval(Stateful, Base):
    """One request for agreement: the resolved requirement, the digest, the window, the decisions."""

    __tablename__ = "release_approval"
    __table_args__ = (
        Index(None, "subject_type", "subject_id"),
        Index(None, "state"),
        Index(None, "remind_at"),
        Index(None, "flow_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_type: Mapped[str] = mapped_column(String(32), comment="release or gate")
    subject_id: Mapped[int]
    state: Mapped[ApprovalState] = mapped_column(EnumText(ApprovalState))
    change_digest: Mapped[str] = mapped_column(String(64))
    requirement_json: Mapped[dict[str, Any]] = mapped_column(
        "requirement", JSON, comment="as resolved when it opened"
    )
    flow_json: Mapped[dict[str, Any]] = mapped_column(
        "flow", JSON, comment="the flow as it was when it opened"
    )
    flow_id: Mapped[int | None] = mapped_column(
        comment="the flow that it was copied from, which may be gone; null = the built-in one"
    )
    glass_broken: Mapped[bool] = mapped_column(default=False, comment="closed by breaking the glass")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    remind_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when people are reminded; empty once they were"
    )
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    def effective_state(self, now: datetime) -> ApprovalState:
        """The state at ``now``: invariant 10 (docs/concepts/invariants.md)."""
        is_over = self.state is ApprovalState.OPEN and is_past(self.expires_at, now)
        return ApprovalState.EXPIRED if is_over else self.state

    decisions: Mapped[list[Decision]] = relationship(order_by="Decision.id", lazy="selectin")

    @property
    def subject(self) -> str:
        return Message("the approval of %(what)s", what=self.what)

    @property
    def what(self) -> str:
        """What it is asked for, as people name it."""
        is_release = self.subject_type == "release"
        if is_release:
            return Message("release %(number)s", number=release_number(self.subject_id))
        return Message("gate %(number)s", number=self.subject_id)

    @property
    def requirement(self) -> Requirement:
        """The requirement as resolved when the approval opened; read once, since lists ask often."""
        stored = self.requirement_json
        known = self.__dict__.get("_read_requirement")
        if known is None or known[0] is not stored:
            known = self.__dict__["_read_requirement"] = (stored, Requirement.from_dict(stored))
        requirement: Requirement = known[1]
        return requirement

    @property
    def flow(self) -> FlowSpec:
        """The flow as it was when the approval opened."""
        return stored_flow(self.flow_json)

    @property
    def level_count(self) -> int:
        """How many levels that flow has; a list asks for nothing else of it."""
        return len(self.flow_json.get("levels", ()))

    @property
    def counted(self) -> list[CountedDecision]:
        """Those on the approval's own digest: invariant 2 (docs/concepts/invariants.md)."""
        return [
            CountedDecision(
                decision.step,
                decision.actor_id,
                decision.verdict,
                decided_at=decision.decided_at,
                place_of=decision.place_of_id or "",
                name=decision.place_of_name or decision.actor_name,
                roles=frozenset(decision.roles),
            )
            for decision in self.decisions
            if decision.change_digest == self.change_digest
        ]


class Decision(Base):
    """One person's verdict on one step, bound to the digest that they saw; never edited."""

    __tablename__ = "release_decision"
    __table_args__ = (UniqueConstraint("approval_id", "step", "actor_id"), Index(None, "actor_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("release_approval.id"))
    step: Mapped[int]
    actor_id: Mapped[str] = mapped_column(String(250))
    actor_name: Mapped[str] = mapped_column(String(250))
    place_of_id: Mapped[str | None] = mapped_column(String(250), comment="whose place a deputy took")
    place_of_name: Mapped[str | None] = mapped_column(String(250))
    roles: Mapped[list[str]] = mapped_column(JSON, comment="roles held when deciding")
    verdict: Mapped[Verdict] = mapped_column(EnumText(Verdict))
    comment: Mapped[str] = mapped_column(Text)
    change_digest: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def actor(self) -> Person:
        """Who decided."""
        return Person(self.actor_id, self.actor_name)

    @property
    def place_of(self) -> Person | None:
        """Whose place a deputy took; ``None`` for who decided for themselves."""
        return person(self.place_of_id, self.place_of_name)


class Gate(Stateful, Base):
    """A sign-off that one try of one task waits for."""

    __tablename__ = "release_gate"
    __table_args__ = (
        # PostgreSQL cuts names at 63 characters, so the one of the convention will not do.
        UniqueConstraint(
            "dag_id",
            "run_id",
            "task_id",
            "map_index",
            "try_number",
            "repeat",
            name="uq_release_gate_question",
        ),
        Index(None, "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[GateState] = mapped_column(EnumText(GateState))
    state_reason: Mapped[str] = mapped_column(MessageText, default="", comment="why it ended so, for people")
    title: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text)
    dag_id: Mapped[str] = mapped_column(String(250))
    run_id: Mapped[str] = mapped_column(String(250))
    task_id: Mapped[str] = mapped_column(String(250))
    map_index: Mapped[int]
    try_number: Mapped[int]
    repeat: Mapped[int] = mapped_column(
        default=0, comment="how often this try had asked something else before"
    )
    bundle_name: Mapped[str | None] = mapped_column(String(250))
    bundle_version: Mapped[str | None] = mapped_column(String(200))
    data_interval_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    data_interval_end: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_started_by: Mapped[str] = mapped_column(
        String(250), default="", comment="who triggered the run, else how it came to be"
    )
    change_digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 over what is signed off")
    requested_by_id: Mapped[str] = mapped_column(String(250))
    requested_by_name: Mapped[str] = mapped_column(String(250))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    def effective_state(self, now: datetime) -> GateState:
        """The state at ``now``: invariant 10 (docs/concepts/invariants.md)."""
        return (
            GateState.EXPIRED
            if self.state is GateState.OPEN and is_past(self.expires_at, now)
            else self.state
        )

    @property
    def subject(self) -> str:
        return Message("gate %(number)s (%(task)s)", number=self.id, task=f"{self.dag_id}.{self.task_id}")

    @property
    def requested_by(self) -> Person:
        """Whose token opened it."""
        return Person(self.requested_by_id, self.requested_by_name)
