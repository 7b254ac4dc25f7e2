"""
The release desk: paths by version, copies, rollbacks, exemptions, soak, what pages remember.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
release_version = "0.1.0"

_PATH = "POSIX path of the DAG file in this version; the unit may have moved since"


def _extend_submission() -> None:
    op.add_column(
        "release_submission", sa.Column("path", sa.String(length=1000), nullable=True, comment=_PATH)
    )
    op.execute(
        "UPDATE release_submission SET path = "
        "(SELECT release_unit.path FROM release_unit WHERE release_unit.id = release_submission.unit_id)"
    )
    with op.batch_alter_table("release_submission") as table:
        table.alter_column(
            "path", existing_type=sa.String(length=1000), nullable=False, existing_comment=_PATH
        )
        table.add_column(
            sa.Column(
                "copy_of_id",
                sa.Integer(),
                nullable=True,
                comment="the version whose content a rollback brought back",
            )
        )
        table.create_foreign_key(
            op.f("fk_release_submission_copy_of_id_release_submission"),
            "release_submission",
            ["copy_of_id"],
            ["id"],
        )


def _extend_package() -> None:
    with op.batch_alter_table("release_package") as table:
        table.add_column(
            sa.Column(
                "soak_minutes",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="in which the first runs must succeed; 0 for no soak",
            )
        )
        table.add_column(
            sa.Column(
                "rolls_back_id",
                sa.Integer(),
                nullable=True,
                comment="the release that this one takes out of the target",
            )
        )
        table.add_column(
            sa.Column(
                "exempt_reason",
                sa.Text(),
                nullable=False,
                server_default="",
                comment="why nobody had to approve",
            )
        )
        table.create_foreign_key(
            op.f("fk_release_package_rolls_back_id_release_package"),
            "release_package",
            ["rolls_back_id"],
            ["id"],
        )
    with op.batch_alter_table("release_package") as table:
        table.alter_column("soak_minutes", existing_type=sa.Integer(), server_default=None)
        table.alter_column("exempt_reason", existing_type=sa.Text(), server_default=None)


def upgrade() -> None:
    _extend_submission()
    _extend_package()
    op.create_table(
        "release_preference",
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("page", sa.String(length=50), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="tab and filters as a query string"),
        sa.PrimaryKeyConstraint("actor_id", "page", name=op.f("pk_release_preference")),
    )


def downgrade() -> None:
    op.drop_table("release_preference")
    with op.batch_alter_table("release_package") as table:
        table.drop_constraint(op.f("fk_release_package_rolls_back_id_release_package"), type_="foreignkey")
        for name in ("exempt_reason", "rolls_back_id", "soak_minutes"):
            table.drop_column(name)
    with op.batch_alter_table("release_submission") as table:
        table.drop_constraint(op.f("fk_release_submission_copy_of_id_release_submission"), type_="foreignkey")
        for name in ("copy_of_id", "path"):
            table.drop_column(name)
