"""
Approval flows with their revisions, and deputies.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _create_flow() -> None:
    op.create_table(
        "release_flow",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=110), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False, comment="1 is tried first"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="1, 2, …; each edit makes a new one"),
        sa.Column("spec", sa.JSON(), nullable=False, comment="the form that flows export writes"),
        sa.Column("updated_by_id", sa.String(length=250), nullable=False),
        sa.Column("updated_by_name", sa.String(length=250), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_flow")),
        sa.UniqueConstraint("name", name=op.f("uq_release_flow_name")),
    )
    op.create_index(op.f("ix_release_flow_priority"), "release_flow", ["priority"], unique=False)


def _create_flow_revision() -> None:
    op.create_table(
        "release_flow_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "flow_id", sa.Integer(), nullable=False, comment="not a foreign key: revisions outlive their flow"
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("made_by_id", sa.String(length=250), nullable=False),
        sa.Column("made_by_name", sa.String(length=250), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_flow_revision")),
        sa.UniqueConstraint("flow_id", "revision", name=op.f("uq_release_flow_revision_flow_id_revision")),
    )


def _create_deputy() -> None:
    op.create_table(
        "release_deputy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=250), nullable=False, comment="whose place is taken"),
        sa.Column("person_name", sa.String(length=250), nullable=False),
        sa.Column("deputy_id", sa.String(length=250), nullable=False),
        sa.Column("deputy_name", sa.String(length=250), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.String(length=250), nullable=False),
        sa.Column("made_by_name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_deputy")),
    )
    op.create_index(op.f("ix_release_deputy_deputy_id"), "release_deputy", ["deputy_id"], unique=False)
    op.create_index(op.f("ix_release_deputy_person_id"), "release_deputy", ["person_id"], unique=False)


def upgrade() -> None:
    _create_flow()
    _create_flow_revision()
    _create_deputy()


def downgrade() -> None:
    op.drop_table("release_deputy")
    op.drop_table("release_flow_revision")
    op.drop_table("release_flow")
