"""
The outbox of notifications.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
release_version = "0.1.0"


def upgrade() -> None:
    op.create_table(
        "release_notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False, comment="release or gate"),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column(
            "notifier", sa.JSON(), nullable=False, comment="as the flow had it when the approval opened"
        ),
        sa.Column("notice", sa.JSON(), nullable=False, comment="what its templates can use; no secrets"),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="started so far"),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False, comment="why the last attempt failed"),
        sa.Column("once", sa.String(length=64), nullable=True, comment="key of what is told only once"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_notification")),
        sa.UniqueConstraint("once", name=op.f("uq_release_notification_once")),
    )
    op.create_index(
        op.f("ix_release_notification_state_next_attempt_at"),
        "release_notification",
        ["state", "next_attempt_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("release_notification")
