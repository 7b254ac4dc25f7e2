"""Releases, their items, reports and runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from airflow_release_plugin.domain.flow.approval import is_past
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.checks import CheckItem, ReportKind
from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.states import EXPIRING_RELEASE_STATES, ReleaseState
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime, person
from airflow_release_plugin.models.check_items import CheckItems
from airflow_release_plugin.models.message_types import MessageJSON, MessageText
from airflow_release_plugin.models.submission import Submission

_NUMBER = re.compile(r"(?:R-)?0*([0-9]{1,9})", re.IGNORECASE)


def release_number(release_id: int) -> str:
    """The number that people use for a release, and that names its tag: ``R-000007``."""
    return f"R-{release_id:06d}"


def release_id_of(text: str) -> int | None:
    """Id of the release that people mean by its number or id; ``None`` where they mean none."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None


_BEGINNING = re.compile(r"(R-)?([0-9]{0,9})", re.IGNORECASE)
_DIGITS, _MOST_DIGITS = 6, 9


def ids_numbered(text: str) -> list[range]:
    """
    Ids of the releases that a text means: by a whole number or id, or by the beginning of a number.

    ``12`` is a number, ``R-12`` and ``0000`` are beginnings, too.
    """
    found = _BEGINNING.fullmatch(text)
    if found is None or not text:
        return []
    prefix, digits = found.groups()
    exact = [range(int(digits), int(digits) + 1)] if digits else []
    if not digits:
        return [range(10**_MOST_DIGITS)]
    if not prefix and not digits.startswith("0"):
        return exact
    # Only numbers of six digits begin with zeros.
    longest = _DIGITS if digits.startswith("0") else _MOST_DIGITS
    steps = [10 ** (width - len(digits)) for width in range(max(_DIGITS, len(digits)), longest + 1)]
    return [*exact, *(range(int(digits) * step, (int(digits) + 1) * step) for step in steps if step > 1)]


class Release(Stateful, Base):
    """Versions that together go through one approval and is promoted as one commit."""

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("number"),
        Index(None, "state", "expires_at"),
        Index(None, "state", "state_since"),
        Index(None, "requested_at"),
        Index(None, "requested_by_id"),
        Index(None, "requested_by_name", "id"),
        Index(None, "released_at"),
        Index(None, "released_by_name", "id"),
        Index(None, "kind", "id"),
        Index(None, "title", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(32), comment="R-000001; names the tag in the store")
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    kind: Mapped[ReleaseKind] = mapped_column(EnumText(ReleaseKind))
    state: Mapped[ReleaseState] = mapped_column(EnumText(ReleaseState))
    state_reason: Mapped[str] = mapped_column(
        MessageText, default="", comment="why it is in this state, for people"
    )
    state_since: Mapped[datetime] = mapped_column(UtcDateTime, comment="when it came into this state")
    environment: Mapped[str] = mapped_column(String(250))
    reviewers: Mapped[list[dict[str, str]]] = mapped_column(JSON, comment="id and name of the people asked")
    run_after_release: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[int] = mapped_column(default=1)
    change_digest: Mapped[str] = mapped_column(String(64))
    base_commit: Mapped[str | None] = mapped_column(
        String(40), comment="target commit that was checked against"
    )
    target_commit: Mapped[str | None] = mapped_column(
        String(40), comment="commit that the release is in the target as"
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="end of the window for approval, then of the one for execution"
    )
    changes_json: Mapped[list[dict[str, Any]]] = mapped_column(
        "changes", JSON, comment="path, mode, blob, size by changed file; blob null for a deletion"
    )
    also_changes: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="ids of DAGs outside of it that its check saw change"
    )
    scheduled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="not to be executed before")
    at_least_level: Mapped[int] = mapped_column(default=1, comment="risk level that people raised it to")
    risk_json: Mapped[dict[str, Any]] = mapped_column(
        "risk", MessageJSON, default=dict, comment="facts that the level was found on"
    )
    soak_minutes: Mapped[int] = mapped_column(
        default=0, comment="in which the first runs must succeed; 0 for no soak"
    )
    rolls_back_id: Mapped[int | None] = mapped_column(
        comment="the release that this one takes out of the target"
    )
    exempt_reason: Mapped[str] = mapped_column(MessageText, default="", comment="why nobody had to approve")
    progress_json: Mapped[dict[str, Any] | None] = mapped_column(
        "progress",
        MessageJSON(none_as_null=True),
        comment="while it is checked or verified: of what, and state by path",
    )
    break_glass_reason: Mapped[str] = mapped_column(Text, default="", comment="why the glass was broken")
    pipeline_dag_id: Mapped[str] = mapped_column(String(250))
    pipeline_run_id: Mapped[str | None] = mapped_column(String(250))
    requested_by_id: Mapped[str] = mapped_column(String(250))
    requested_by_name: Mapped[str] = mapped_column(String(250))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_by_id: Mapped[str | None] = mapped_column(String(250), comment="who gave the last approval")
    released_by_name: Mapped[str | None] = mapped_column(String(250))
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    items: Mapped[list[ReleaseItem]] = relationship(back_populates="release", order_by="ReleaseItem.position")

    @property
    def subject(self) -> str:
        return Message("release %(number)s", number=self.number)

    @property
    def is_automatic(self) -> bool:
        """Whether it is the rollback that the product made by itself after a failure."""
        return self.kind is ReleaseKind.ROLLBACK and bool(self.exempt_reason)

    @property
    def rolls_back_number(self) -> str:
        """Number of the release that this one takes out of the target; empty if there is none."""
        return release_number(self.rolls_back_id) if self.rolls_back_id else ""

    @property
    def dag_ids(self) -> list[str]:
        """Sorted ids of all DAGs in it, in the target."""
        return sorted({dag_id for item in self.items for dag_id in item.dag_ids})

    @property
    def changes(self) -> tuple[TreeChange, ...]:
        """What it does to the target tree."""
        return tuple(
            TreeChange(
                c["path"], FileEntry(c["path"], c["mode"], c["blob"], c["size"]) if c["blob"] else None
            )
            for c in self.changes_json
        )

    @changes.setter
    def changes(self, changes: Iterable[TreeChange]) -> None:
        self.changes_json = [
            {
                "path": change.path,
                "mode": change.entry.mode if change.entry else None,
                "blob": change.entry.blob if change.entry else None,
                "size": change.entry.size if change.entry else None,
            }
            for change in sorted(changes, key=lambda change: change.path)
        ]

    @property
    def digest_now(self) -> str:
        """The change digest of what it changes now, reckoned anew."""
        return change_digest(
            self.changes, target=self.environment, kind=self.kind, also_changes=self.also_changes
        )

    def effective_state(self, now: datetime) -> ReleaseState:
        """The state at ``now``: invariant 10 (docs/concepts/invariants.md)."""
        if self.state in EXPIRING_RELEASE_STATES and is_past(self.expires_at, now):
            return ReleaseState.EXPIRED
        return self.state

    @property
    def requested_by(self) -> Person:
        """Who asked for it."""
        return Person(self.requested_by_id, self.requested_by_name)

    @property
    def has_own_versions(self) -> bool:
        """Whether its versions were made for it and never were in the list, as those of a rollback."""
        return not all(item.submission.listed for item in self.items)

    @property
    def released_by(self) -> Person | None:
        """Who gave the last approval, once it is released."""
        return person(self.released_by_id, self.released_by_name)


class ReleaseItem(Base):
    """
    One submission in a release. Kept when the release ends, so that records stay whole.

    It repeats the submission's unit: which releases somebody may see is asked by units, at every list.
    """

    __tablename__ = "release_item"
    __table_args__ = (
        UniqueConstraint("release_id", "submission_id"),
        Index(None, "submission_id"),
        Index(None, "unit_id", "release_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("release_submission.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("release_unit.id"))
    position: Mapped[int]

    release: Mapped[Release] = relationship(back_populates="items", lazy="raise")
    submission: Mapped[Submission] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def of(cls, submission: Submission, position: int) -> ReleaseItem:
        """The item of a submission that has its unit."""
        return cls(submission=submission, unit_id=submission.unit_id, position=position)

    @property
    def path(self) -> str:
        """POSIX path of the DAG file."""
        return self.submission.path

    @property
    def version(self) -> int:
        """Version of the submission."""
        return self.submission.version

    @property
    def change(self) -> ChangeKind:
        """What it does to the target."""
        return self.submission.change

    @property
    def dag_ids(self) -> list[str]:
        """DAG ids in the target."""
        return self.submission.dag_ids

    @property
    def submitted_by(self) -> Person:
        """Who submitted it."""
        return self.submission.submitted_by


class Report(Base):
    """What a step of the pipeline found out in one attempt."""

    __tablename__ = "release_report"
    __table_args__ = (Index(None, "release_id", "attempt"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    kind: Mapped[ReportKind] = mapped_column(EnumText(ReportKind))
    attempt: Mapped[int]
    passed: Mapped[bool]
    base_commit: Mapped[str | None] = mapped_column(String(40))
    items: Mapped[tuple[CheckItem, ...]] = mapped_column(
        CheckItems, comment="name, status, path, detail, facts by check"
    )
    reported_by_id: Mapped[str] = mapped_column(String(250))
    reported_by_name: Mapped[str] = mapped_column(String(250))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def reported_by(self) -> Person:
        """Whose token reported it."""
        return Person(self.reported_by_id, self.reported_by_name)


class ReleasedRun(Base):
    """A DAG run that was started because the release asked for it; one that could not be has no run id."""

    __tablename__ = "release_run"
    __table_args__ = (UniqueConstraint("release_id", "dag_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    dag_id: Mapped[str] = mapped_column(String(250))
    run_id: Mapped[str] = mapped_column(String(250))
    problem: Mapped[str] = mapped_column(MessageText, default="", comment="why it could not be started")


class Environment(Base):
    """A target environment and where the product left its branch."""

    __tablename__ = "release_environment"

    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    recorded_commit: Mapped[str | None] = mapped_column(String(40), comment="commit of the last promotion")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
