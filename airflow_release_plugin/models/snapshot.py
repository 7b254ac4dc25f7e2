"""Whole trees that versions come from, as they were when these were made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON


class Snapshot(Base):
    """
    A source at one moment, or a bundle of another installation as it lies here: what a version is run in
    before anybody is asked. The folder is not read again.

    Requests that find the same files, and leave out the same for the same reasons, share a row; its objects
    are kept by the ref ``refs/snapshots/<tree>``. Versions that were copied from neither have none: removals,
    those that a rollback brings back, those by which an environment was adopted, drift that was taken over,
    and all of a store that ``import-store`` took in.

    Retention: a row may go when no version names it that waits in the list, is in an open release or in the
    target; the others then have ``snapshot_gone`` instead, and never come back to the list. The ref goes a
    day after the last row of its tree, not at once: a request that saw the row counts on its objects.
    """

    __tablename__ = "release_snapshot"
    __table_args__ = (UniqueConstraint("source", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(250), comment="name of the source, or the bundle with its id")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 over the tree and what was left out")
    tree_id: Mapped[str] = mapped_column(String(40), comment="40 hex digits, as git has it")
    file_count: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger, comment="bytes of all files")
    left_out: Mapped[list[dict[str, str]]] = mapped_column(
        MessageJSON, comment="path and reason of what is not in it, sorted; the first thousand"
    )
    left_out_count: Mapped[int]
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when it was taken first")
