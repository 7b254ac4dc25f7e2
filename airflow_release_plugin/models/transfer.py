"""Exports, imports, and what is remembered between them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.flow.approval import is_past
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.states import ExportState, ImportState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime
from airflow_release_plugin.models.message_types import MessageJSON, MessageText


class Installation(Base):
    """Who we are in bundles that leave from here; one row."""

    __tablename__ = "release_installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="always 1")
    uid: Mapped[str] = mapped_column(String(36), comment="UUID, made at the first need")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Export(Stateful, Base):
    """A batch of DAGs that is made into one signed file in the background."""

    __tablename__ = "release_export"
    __table_args__ = (UniqueConstraint("bundle_id"), Index(None, "state"), Index(None, "requested_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ExportState] = mapped_column(EnumText(ExportState))
    bundle_id: Mapped[str] = mapped_column(String(36), comment="UUID that the file carries")
    names: Mapped[list[str]] = mapped_column(JSON, comment="as people asked, one DAG each")
    options: Mapped[dict[str, Any]] = mapped_column(JSON, comment="from target or source, upstream, base")
    base_bundle_id: Mapped[str | None] = mapped_column(
        String(36), comment="an incremental bundle holds what has changed since that one"
    )
    done: Mapped[int] = mapped_column(default=0, comment="DAG files written so far")
    total: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict[str, Any]] = mapped_column(MessageJSON, comment="found, not found, likely secrets")
    error: Mapped[str] = mapped_column(MessageText, default="")
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    requested_by_id: Mapped[str] = mapped_column(String(250))
    requested_by_name: Mapped[str] = mapped_column(String(250))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="last sign of the server that writes it"
    )
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    downloads: Mapped[int] = mapped_column(default=0)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    @property
    def subject(self) -> str:
        return Message("export %(number)s", number=self.id)

    def effective_state(self, now: datetime) -> ExportState:
        """The state at ``now``: invariant 10 (docs/concepts/invariants.md)."""
        is_over = self.state is ExportState.READY and is_past(self.expires_at, now)
        return ExportState.EXPIRED if is_over else self.state

    @property
    def chooses(self) -> bool:
        """Whether somebody named DAGs in any way; otherwise it is of everything that changed."""
        return bool(self.names or self.options["tag"] or self.options["release_ids"])

    @property
    def file_name(self) -> str:
        """What the file is called when it is downloaded."""
        return f"export-{self.id}-{self.requested_at:%Y%m%d-%H%M%S}.dagbundle"

    @property
    def requested_by(self) -> Person:
        """Who asked for it."""
        return Person(self.requested_by_id, self.requested_by_name)


REFUSED = "refused"
"""Key of an import's options that holds the code of the error that refused its file."""


class Import(Stateful, Base):
    """A bundle from another installation on its way into this one."""

    __tablename__ = "release_import"
    __table_args__ = (UniqueConstraint("applied_bundle_id"), Index(None, "state"), Index(None, "uploaded_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[ImportState] = mapped_column(EnumText(ImportState))
    file_name: Mapped[str] = mapped_column(String(250))
    file_size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0, comment="bytes that are here")
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    bundle_id: Mapped[str | None] = mapped_column(String(36), comment="known once the signature is verified")
    applied_bundle_id: Mapped[str | None] = mapped_column(
        String(36), comment="set when applying begins: a bundle is applied once"
    )
    source_uid: Mapped[str | None] = mapped_column(String(36), comment="installation that it comes from")
    signer: Mapped[str] = mapped_column(String(250), default="", comment="name of the trusted key")
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    dag_ids: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="DAGs that the bundle brings or takes away"
    )
    expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when the bundle is refused from"
    )
    folder: Mapped[str] = mapped_column(String(1000), default="", comment="where new DAG files go")
    mode: Mapped[str] = mapped_column(String(32), default="submit", comment="submit, release or record")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="names there and here")
    preflight: Mapped[list[dict[str, Any]]] = mapped_column(MessageJSON, default=list)
    preflight_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    options: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, comment="what was asked for when it was applied"
    )
    placed: Mapped[dict[str, dict[str, str]]] = mapped_column(
        JSON,
        default=dict,
        comment="path there and path here of each unit, by unit id, once applied",
    )
    commit_id: Mapped[str | None] = mapped_column(
        String(40), comment="commit that keeps the bundle's files as they were signed, with those of its base"
    )
    beat_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="last part of the upload, or last sign of the server that applies it"
    )
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    error: Mapped[str] = mapped_column(MessageText, default="")
    uploaded_by_id: Mapped[str] = mapped_column(String(250))
    uploaded_by_name: Mapped[str] = mapped_column(String(250))
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    @property
    def subject(self) -> str:
        return Message("import %(number)s", number=self.id)

    @property
    def error_code(self) -> str:
        """What kind of error refused its file; empty if none did."""
        return str(self.options.get(REFUSED, ""))

    @property
    def uploaded_by(self) -> Person:
        """Who brought it here."""
        return Person(self.uploaded_by_id, self.uploaded_by_name)


class NameMapping(Base):
    """What something is called in another installation, and here; kept for the next import."""

    __tablename__ = "release_name_mapping"

    source_uid: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(
        String(32), primary_key=True, comment="connection, variable, pool or queue"
    )
    there: Mapped[str] = mapped_column(String(250), primary_key=True)
    here: Mapped[str] = mapped_column(String(250))
