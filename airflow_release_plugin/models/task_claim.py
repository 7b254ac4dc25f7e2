"""Which task instance speaks for a release."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.models.base import Base, EnumText, UtcDateTime


class TaskClaim(Base):
    """Who was first to say that it is a task of a release's run, and what it has to know since."""

    __tablename__ = "release_task_claim"
    __table_args__ = (
        UniqueConstraint(
            "dag_id", "run_id", "task_id", "map_index", "try_number", name="uq_release_task_claim_task"
        ),
        Index(None, "release_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    attempt: Mapped[int]
    dag_id: Mapped[str] = mapped_column(String(250))
    run_id: Mapped[str] = mapped_column(String(250))
    task_id: Mapped[str] = mapped_column(String(250))
    map_index: Mapped[int]
    try_number: Mapped[int]
    role: Mapped[TaskRole | None] = mapped_column(
        EnumText(TaskRole), comment="of the operator, as Airflow has it; null for one that is not ours"
    )
    process: Mapped[str] = mapped_column(
        String(2000), comment="the start by a worker that it holds for, as Airflow has it"
    )
    secret_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of what the caller made up")
    claimed_by_id: Mapped[str] = mapped_column(String(250))
    claimed_by_name: Mapped[str] = mapped_column(String(250))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    contested_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when another caller said that it is this task; what either says counts no more"
    )

    @property
    def task(self) -> TaskKey:
        """The try of the task instance."""
        return TaskKey(self.dag_id, self.run_id, self.task_id, self.map_index, self.try_number)
