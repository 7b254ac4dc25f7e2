"""
The release desk: paths by version, copies, rollbacks, exemptions, soak, what pages remember.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _columns() -> dict[str, list[sa.Column[Any]]]:
    """New columns by table; no foreign keys, so that SQLite can change its tables in place."""
    return {
        "release_submission": [
            sa.Column(
                "path",
                sa.String(length=1000),
                nullable=False,
                server_default="",
                comment="POSIX path of the DAG file in this version; the unit may have moved since",
            ),
            sa.Column(
                "copy_of_id",
                sa.Integer(),
                nullable=True,
                comment="the version whose content a rollback brought back",
            ),
            sa.Column(
                "for_rollback",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="made by a rollback or a retirement; never in the to-be-released list",
            ),
        ],
        "release_package": [
            sa.Column(
                "soak_minutes",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="in which the first runs must succeed; 0 for no soak",
            ),
            sa.Column(
                "rolls_back_id",
                sa.Integer(),
                nullable=True,
                comment="the release that this one takes out of the target",
            ),
            sa.Column(
                "exempt_reason",
                sa.Text(),
                nullable=False,
                server_default="",
                comment="why nobody had to approve",
            ),
            sa.Column(
                "progress",
                sa.JSON(),
                nullable=True,
                comment="while it is checked: attempt, and state by path",
            ),
        ],
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.execute(
        "UPDATE release_submission SET path = "
        "(SELECT release_unit.path FROM release_unit WHERE release_unit.id = release_submission.unit_id)"
    )
    op.create_table(
        "release_preference",
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("page", sa.String(length=50), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="tab and filters as a query string"),
        sa.PrimaryKeyConstraint("actor_id", "page", name=op.f("pk_release_preference")),
    )


def downgrade() -> None:
    op.drop_table("release_preference")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
