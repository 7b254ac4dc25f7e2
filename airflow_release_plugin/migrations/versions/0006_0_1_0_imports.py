"""
Imports: what was asked for, what the bundle held, where its files went; versions know their import.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns by table; no foreign keys, so that SQLite can change its tables in place."""
    return {
        "release_import": [
            sa.Column(
                "dag_ids",
                sa.JSON(),
                nullable=False,
                server_default="[]",
                comment="DAGs that the bundle brings or takes away",
            ),
            sa.Column(
                "expires_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when the bundle is refused from",
            ),
            sa.Column(
                "options",
                sa.JSON(),
                nullable=False,
                server_default="{}",
                comment="what was asked for when it was applied",
            ),
            sa.Column(
                "placed",
                sa.JSON(),
                nullable=False,
                server_default="{}",
                comment="path there and path here of each unit, by unit id, once applied",
            ),
            sa.Column(
                "commit_id",
                sa.String(length=40),
                nullable=True,
                comment="commit that keeps the bundle's files as they were signed, with those of its base",
            ),
            sa.Column(
                "beat_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="last part of the upload, or last sign of the server that applies it",
            ),
        ],
        "release_submission": [
            sa.Column("import_id", sa.Integer(), nullable=True, comment="the import that brought it here"),
        ],
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
