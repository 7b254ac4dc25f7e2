"""Units and their submitted versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON
from airflow_release_plugin.models.snapshot import Snapshot


class Unit(Base):
    """One DAG file of one source, under a name that outlives renames of its DAGs."""

    __tablename__ = "release_unit"
    __table_args__ = (
        UniqueConstraint("source", "path"),
        UniqueConstraint("source", "name"),
        Index(None, "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(250))
    path: Mapped[str] = mapped_column(String(1000), comment="POSIX path relative to the source")
    name: Mapped[str] = mapped_column(
        String(250), comment="first DAG id at the first submission; names the refs"
    )
    dag_ids: Mapped[list[str]] = mapped_column(JSON, comment="ids in the target, as of the latest submission")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    origin: Mapped[str | None] = mapped_column(
        String(80), comment="installation and number of the unit where it first came from; null = made here"
    )


class Submission(Stateful, Base):
    """An immutable numbered version of a unit; only its state changes."""

    __tablename__ = "release_submission"
    __table_args__ = (
        UniqueConstraint("unit_id", "version"),
        Index(None, "state", "submitted_at"),
        Index(None, "submitted_at"),
        Index(None, "submitted_by_name", "submitted_at"),
        Index(None, "snapshot_id"),
        Index(None, "release_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("release_unit.id"))
    version: Mapped[int] = mapped_column(comment="1, 2, … within the unit")
    path: Mapped[str] = mapped_column(
        String(1000),
        comment="POSIX path of the DAG file in this version; the unit may have moved since",
    )
    state: Mapped[SubmissionState] = mapped_column(EnumText(SubmissionState))
    change: Mapped[ChangeKind] = mapped_column(
        EnumText(ChangeKind), comment="against the target when submitted"
    )
    dag_ids: Mapped[list[str]] = mapped_column(JSON, comment="ids in the target")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 over the sorted (path, mode, blob) list")
    commit_id: Mapped[str] = mapped_column(String(40), comment="commit that keeps the files in the store")
    closure: Mapped[list[dict[str, Any]]] = mapped_column(
        MessageJSON, comment="path, mode, blob, size, kind, reason by file"
    )
    external: Mapped[list[str]] = mapped_column(JSON, comment="imported modules that are not in the source")
    warnings: Mapped[list[str]] = mapped_column(MessageJSON)
    is_complete: Mapped[bool] = mapped_column(
        default=True,
        comment="whether the text of the code told all that the unit needs, and all of it is there",
    )
    comment: Mapped[str] = mapped_column(Text, default="")
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}
    submitted_by_id: Mapped[str] = mapped_column(String(250))
    submitted_by_name: Mapped[str] = mapped_column(String(250))
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    copy_of_id: Mapped[int | None] = mapped_column(
        comment="the version whose content a rollback brought back"
    )
    listed: Mapped[bool] = mapped_column(
        default=True,
        comment="may be in the to-be-released list; what a rollback made for itself may not",
    )
    snapshot_id: Mapped[int | None] = mapped_column(
        ForeignKey("release_snapshot.id"),
        comment="the whole source, or bundle, that it was copied from; null = there is none",
    )
    snapshot_gone: Mapped[bool] = mapped_column(
        default=False, comment="it had a snapshot that is kept no longer: it cannot come back to the list"
    )
    superseded_by_id: Mapped[int | None] = mapped_column(
        comment="the version whose submission took it off the list; null = none did"
    )
    import_id: Mapped[int | None] = mapped_column(comment="the import that brought it here")
    release_id: Mapped[int | None] = mapped_column(
        ForeignKey("release.id"),
        comment="the open release that holds it, or the one that released it",
    )

    unit: Mapped[Unit] = relationship(lazy="joined", innerjoin=True)
    snapshot: Mapped[Snapshot | None] = relationship(lazy="select")

    @property
    def subject(self) -> str:
        return Message("submission v%(version)s of %(name)s", version=self.version, name=self.unit.name)

    @property
    def is_removal(self) -> bool:
        """Whether the version takes the unit out of the target."""
        return self.change is ChangeKind.DELETED

    @property
    def unit_name(self) -> str:
        """Name of the unit."""
        return self.unit.name

    @property
    def submitted_by(self) -> Person:
        """Who submitted it."""
        return Person(self.submitted_by_id, self.submitted_by_name)

    @property
    def files(self) -> list[dict[str, Any]]:
        """The closure as stored: dicts with path, mode, blob, size, kind, reason."""
        return self.closure

    @property
    def observed_paths(self) -> tuple[str, ...]:
        """Files of it that no text named and that were opened when it was run."""
        return tuple(file["path"] for file in self.closure if file["kind"] == "observed")

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The closure as file entries."""
        return tuple(FileEntry(f["path"], f["mode"], f["blob"], f["size"]) for f in self.closure)
