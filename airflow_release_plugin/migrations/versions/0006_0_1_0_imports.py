"""
Imports and the versions that they brought; what has drifted on each machine; why a run was not started.

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
        "release_run": [
            sa.Column(
                "problem",
                sa.Text(),
                nullable=False,
                server_default="",
                comment="why it could not be started",
            ),
        ],
    }


_COMMENTS: tuple[tuple[str, str, Any, bool, str, str], ...] = (
    (
        "release_submission",
        "for_rollback",
        sa.Boolean(),
        False,
        "made by a rollback or a retirement; never in the to-be-released list",
        "made for one release, by a rollback, say; never in the to-be-released list",
    ),
    (
        "release_package",
        "progress",
        sa.JSON(),
        True,
        "while it is checked: attempt, and state by path",
        "while it is checked or verified: of what, and state by path",
    ),
    (
        "release_notification",
        "subject_type",
        sa.String(length=32),
        False,
        "release or gate",
        "release, gate or environment",
    ),
)
"""Table, column, type, whether it may be null, comment before and after."""


def _comment(*, back: bool = False) -> None:
    """Change comments where the database keeps them."""
    if not op.get_context().dialect.supports_comments:
        return
    for table, column, kind, nullable, before, after in _COMMENTS:
        op.alter_column(
            table,
            column,
            comment=before if back else after,
            existing_comment=after if back else before,
            existing_type=kind,
            existing_nullable=nullable,
        )


def _create_machine() -> None:
    op.create_table(
        "release_machine",
        sa.Column("environment", sa.String(length=250), nullable=False),
        sa.Column("host", sa.String(length=250), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False, comment="when it looked last"),
        sa.Column(
            "changed_at", sa.DateTime(timezone=True), nullable=False, comment="since when it finds this"
        ),
        sa.Column(
            "total", sa.Integer(), nullable=False, comment="number of findings; 0 when all is as approved"
        ),
        sa.Column(
            "findings", sa.JSON(), nullable=False, comment="kind, place, path and detail of the first 100"
        ),
        sa.PrimaryKeyConstraint("environment", "host", name=op.f("pk_release_machine")),
    )


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    _create_machine()
    _comment()


def downgrade() -> None:
    _comment(back=True)
    op.drop_table("release_machine")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
