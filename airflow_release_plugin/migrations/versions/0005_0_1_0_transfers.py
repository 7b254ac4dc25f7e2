"""
Exports, imports, names there and here, and where a unit came from.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _create_export() -> None:
    op.create_table(
        "release_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=36), nullable=False, comment="UUID that the file carries"),
        sa.Column("names", sa.JSON(), nullable=False, comment="as people asked, one DAG each"),
        sa.Column("options", sa.JSON(), nullable=False, comment="from target or source, upstream, base"),
        sa.Column(
            "base_bundle_id",
            sa.String(length=36),
            nullable=True,
            comment="an incremental bundle holds what has changed since that one",
        ),
        sa.Column("done", sa.Integer(), nullable=False, comment="DAG files written so far"),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False, comment="found, not found, likely secrets"),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column("requested_by_id", sa.String(length=250), nullable=False),
        sa.Column("requested_by_name", sa.String(length=250), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "beat_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="last sign of the server that writes it",
        ),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_export")),
        sa.UniqueConstraint("bundle_id", name=op.f("uq_release_export_bundle_id")),
    )
    op.create_index(op.f("ix_release_export_requested_at"), "release_export", ["requested_at"], unique=False)
    op.create_index(op.f("ix_release_export_state"), "release_export", ["state"], unique=False)


def _create_import() -> None:
    op.create_table(
        "release_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=250), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False, comment="bytes that are here"),
        sa.Column("file_sha256", sa.String(length=64), nullable=True),
        sa.Column(
            "bundle_id", sa.String(length=36), nullable=True, comment="known once the signature is verified"
        ),
        sa.Column(
            "applied_bundle_id",
            sa.String(length=36),
            nullable=True,
            comment="set when applying begins: a bundle is applied once",
        ),
        sa.Column(
            "source_uid", sa.String(length=36), nullable=True, comment="installation that it comes from"
        ),
        sa.Column("signer", sa.String(length=250), nullable=False, comment="name of the trusted key"),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("folder", sa.String(length=1000), nullable=False, comment="where new DAG files go"),
        sa.Column("mode", sa.String(length=32), nullable=False, comment="submit, release or record"),
        sa.Column("mapping", sa.JSON(), nullable=False, comment="names there and here"),
        sa.Column("preflight", sa.JSON(), nullable=False),
        sa.Column("preflight_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("uploaded_by_id", sa.String(length=250), nullable=False),
        sa.Column("uploaded_by_name", sa.String(length=250), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release_package.id"], name=op.f("fk_release_import_release_id_release_package")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_import")),
        sa.UniqueConstraint("applied_bundle_id", name=op.f("uq_release_import_applied_bundle_id")),
    )
    op.create_index(op.f("ix_release_import_state"), "release_import", ["state"], unique=False)
    op.create_index(op.f("ix_release_import_uploaded_at"), "release_import", ["uploaded_at"], unique=False)


def _create_installation() -> None:
    op.create_table(
        "release_installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("uid", sa.String(length=36), nullable=False, comment="UUID, made at the first need"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_installation")),
    )


def _create_name_mapping() -> None:
    op.create_table(
        "release_name_mapping",
        sa.Column("source_uid", sa.String(length=36), nullable=False),
        sa.Column(
            "kind", sa.String(length=32), nullable=False, comment="connection, variable, pool or queue"
        ),
        sa.Column("there", sa.String(length=250), nullable=False),
        sa.Column("here", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("source_uid", "kind", "there", name=op.f("pk_release_name_mapping")),
    )


def upgrade() -> None:
    origin = "installation and number of the unit where it first came from; null = made here"
    op.add_column("release_unit", sa.Column("origin", sa.String(length=80), nullable=True, comment=origin))
    _create_installation()
    _create_export()
    _create_import()
    _create_name_mapping()


def downgrade() -> None:
    for table in ("release_name_mapping", "release_import", "release_export", "release_installation"):
        op.drop_table(table)
    op.drop_column("release_unit", "origin")
