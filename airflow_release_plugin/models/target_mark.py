"""An index of what the target holds, so that a change asks only those whom it may concern."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base


class TargetMark(Base):
    """
    Something by which a version that is in the target has to be found.

    That is a file, folder or module that it depends on, a DAG that it makes or waits for, or an asset that
    starts one. Which of these it is, and of what name, is in the hash: what is found is looked at again.
    """

    __tablename__ = "release_target_mark"
    __table_args__ = (Index(None, "submission_id"),)

    mark: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="63 bits of the hash of kind and name"
    )
    submission_id: Mapped[int] = mapped_column(ForeignKey("release_submission.id"), primary_key=True)
