"""What insights count: changes that came to the target, how they fared, how long people were waited for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.insights.durations import DurationKind
from airflow_release_plugin.domain.insights.question import LabelKind
from airflow_release_plugin.models.base import Base, EnumText, UtcDateTime


class Deployment(Base):
    """
    A release that brought a change to its target; rollbacks and baselines are none.

    It repeats facts of the release: hundreds of thousands are counted at once, and rows of releases are wide.
    """

    __tablename__ = "release_deployment"
    # The first one has all that is counted by day: nothing else is read for it.
    __table_args__ = (Index(None, "day", "flow", "glass_broken", "failed_at"), Index(None, "failed_at"))

    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), primary_key=True)
    flow: Mapped[str] = mapped_column(String(250), comment="that agreement was asked under; empty for none")
    glass_broken: Mapped[bool] = mapped_column(comment="the glass was broken for it")
    day: Mapped[int] = mapped_column(comment="UTC day on which it reached the target, since 1970-01-01")
    failed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when verification or soak failed, or a rollback was asked for"
    )
    restored_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when it was put right: by a rollback, or by the next good release"
    )
    mended_by_id: Mapped[int | None] = mapped_column(
        comment="the release of one of its units that put it right; null for a rollback"
    )


class DeployedVersion(Base):
    """A version that came to the target with a change."""

    __tablename__ = "release_deployed_version"
    __table_args__ = (Index(None, "day"), Index(None, "unit_id", "day"))

    release_id: Mapped[int] = mapped_column(ForeignKey("release_deployment.release_id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("release_unit.id"), primary_key=True)
    deployed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[int] = mapped_column(comment="that of the deployment")
    month: Mapped[int] = mapped_column(comment="UTC month of the deployment: year × 12 + month - 1")
    lead_seconds: Mapped[int] = mapped_column(comment="from its submission until it reached the target")
    lead_class: Mapped[int] = mapped_column(
        comment="class of the lead time, see domain/insights/histogram.py"
    )


class UnitLabel(Base):
    """What a released unit is found by in insights: its DAGs, their tags and owners, as last released."""

    __tablename__ = "release_unit_label"
    __table_args__ = (Index(None, "kind", "name"),)

    unit_id: Mapped[int] = mapped_column(ForeignKey("release_unit.id"), primary_key=True)
    kind: Mapped[LabelKind] = mapped_column(EnumText(LabelKind), primary_key=True)
    name: Mapped[str] = mapped_column(String(250), primary_key=True)


class Wait(Base):
    """How long the step of a release's approval had waited when somebody decided on it."""

    __tablename__ = "release_wait"
    __table_args__ = (
        UniqueConstraint("approval_id", "step", "person_id"),
        Index(None, "day"),
        Index(None, "release_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("release_approval.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    step: Mapped[int]
    step_name: Mapped[str] = mapped_column(String(250))
    flow: Mapped[str] = mapped_column(String(250))
    person_id: Mapped[str] = mapped_column(String(250))
    person_name: Mapped[str] = mapped_column(String(250))
    completes: Mapped[bool] = mapped_column(comment="the step waited for nobody else after it")
    seconds: Mapped[int] = mapped_column(comment="since the step was reached")
    day: Mapped[int] = mapped_column(comment="UTC day of the decision, since 1970-01-01")
    duration_class: Mapped[int] = mapped_column(comment="class of the seconds")


class DurationCount(Base):
    """
    How often durations of each class were seen in a month, by everybody: what years are read from.

    Written with the rows that it sums up, so it is never late; the trail, which is locked then, lets one
    transaction at a time write it.
    """

    __tablename__ = "release_duration_count"

    kind: Mapped[DurationKind] = mapped_column(EnumText(DurationKind), primary_key=True)
    month: Mapped[int] = mapped_column(primary_key=True, comment="UTC month: year × 12 + month - 1")
    flow: Mapped[str] = mapped_column(String(250), primary_key=True)
    name: Mapped[str] = mapped_column(
        String(250), primary_key=True, comment="step, or id of the person; empty for lead times"
    )
    person_name: Mapped[str] = mapped_column(
        String(250), comment="login name of the person; empty for others"
    )
    counts: Mapped[bytes] = mapped_column(LargeBinary, comment="see domain/insights/histogram.py")
