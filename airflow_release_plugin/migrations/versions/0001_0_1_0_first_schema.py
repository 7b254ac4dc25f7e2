"""
The first schema: units and submissions, releases, approvals, gates, the audit trail.

Revision ID: 0001
Revises:
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _create_approval() -> None:
    op.create_table(
        "release_approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False, comment="release or gate"),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("change_digest", sa.String(length=64), nullable=False),
        sa.Column("requirement", sa.JSON(), nullable=False, comment="as resolved when it opened"),
        sa.Column("flow", sa.JSON(), nullable=False, comment="the flow as it was when it opened"),
        sa.Column("emergency", sa.Boolean(), nullable=False, comment="closed by breaking the glass"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_approval")),
    )
    op.create_index(op.f("ix_release_approval_state"), "release_approval", ["state"], unique=False)
    op.create_index(
        op.f("ix_release_approval_subject_type_subject_id"),
        "release_approval",
        ["subject_type", "subject_id"],
        unique=False,
    )


def _create_environment() -> None:
    op.create_table(
        "release_environment",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column(
            "recorded_commit", sa.String(length=40), nullable=True, comment="commit of the last promotion"
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release_environment")),
    )


def _create_event() -> None:
    op.create_table(
        "release_event",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tag", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("actor_name", sa.String(length=250), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=64),
            nullable=False,
            comment="release:7, gate:3, submission:12, environment:prod",
        ),
        sa.Column("data", sa.JSON(), nullable=False, comment="facts as they were"),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_release_event")),
    )
    op.create_index(op.f("ix_release_event_subject"), "release_event", ["subject"], unique=False)
    op.create_index(op.f("ix_release_event_time"), "release_event", ["time"], unique=False)


def _create_event_head() -> None:
    op.create_table(
        "release_event_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_event_head")),
    )


def _create_gate() -> None:
    op.create_table(
        "release_gate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("bundle_name", sa.String(length=250), nullable=True),
        sa.Column("bundle_version", sa.String(length=200), nullable=True),
        sa.Column("data_interval_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_interval_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "change_digest", sa.String(length=64), nullable=False, comment="SHA-256 over what is signed off"
        ),
        sa.Column("requested_by_id", sa.String(length=250), nullable=False),
        sa.Column("requested_by_name", sa.String(length=250), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_gate")),
        sa.UniqueConstraint(
            "dag_id",
            "run_id",
            "task_id",
            "map_index",
            "try_number",
            name=op.f("uq_release_gate_dag_id_run_id_task_id_map_index_try_number"),
        ),
    )
    op.create_index(op.f("ix_release_gate_state"), "release_gate", ["state"], unique=False)


def _create_package() -> None:
    op.create_table(
        "release_package",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "number", sa.String(length=32), nullable=False, comment="R-000001; names the tag in the store"
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False, comment="why it is in this state, for people"),
        sa.Column("environment", sa.String(length=250), nullable=False),
        sa.Column("reviewers", sa.JSON(), nullable=False, comment="id and name of the people asked"),
        sa.Column("run_after_release", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("change_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "base_commit",
            sa.String(length=40),
            nullable=True,
            comment="target commit that was checked against",
        ),
        sa.Column(
            "target_commit",
            sa.String(length=40),
            nullable=True,
            comment="commit that the target branch moves to; recorded before it moves",
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="end of the window for approval, then of the one for execution",
        ),
        sa.Column(
            "changes",
            sa.JSON(),
            nullable=False,
            comment="path, mode, blob, size by changed file; blob null for a deletion",
        ),
        sa.Column(
            "scheduled_at", sa.DateTime(timezone=True), nullable=True, comment="not to be executed before"
        ),
        sa.Column(
            "at_least_level", sa.Integer(), nullable=False, comment="risk level that people raised it to"
        ),
        sa.Column("risk", sa.JSON(), nullable=False, comment="facts that the level was found on"),
        sa.Column("emergency_reason", sa.Text(), nullable=False, comment="why the glass was broken"),
        sa.Column("pipeline_dag_id", sa.String(length=250), nullable=False),
        sa.Column("pipeline_run_id", sa.String(length=250), nullable=True),
        sa.Column("requested_by_id", sa.String(length=250), nullable=False),
        sa.Column("requested_by_name", sa.String(length=250), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "released_by_id", sa.String(length=250), nullable=True, comment="who gave the last approval"
        ),
        sa.Column("released_by_name", sa.String(length=250), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_package")),
        sa.UniqueConstraint("number", name=op.f("uq_release_package_number")),
    )
    op.create_index(
        op.f("ix_release_package_requested_at"), "release_package", ["requested_at"], unique=False
    )
    op.create_index(
        op.f("ix_release_package_state_expires_at"), "release_package", ["state", "expires_at"], unique=False
    )


def _create_unit() -> None:
    op.create_table(
        "release_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=250), nullable=False),
        sa.Column(
            "path", sa.String(length=1000), nullable=False, comment="POSIX path relative to the source"
        ),
        sa.Column(
            "name",
            sa.String(length=250),
            nullable=False,
            comment="first DAG id at the first submission; names the refs",
        ),
        sa.Column(
            "dag_ids", sa.JSON(), nullable=False, comment="ids in the target, as of the latest submission"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_unit")),
        sa.UniqueConstraint("source", "name", name=op.f("uq_release_unit_source_name")),
        sa.UniqueConstraint("source", "path", name=op.f("uq_release_unit_source_path")),
    )


def _create_decision() -> None:
    op.create_table(
        "release_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("node", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("actor_name", sa.String(length=250), nullable=False),
        sa.Column("place_of_id", sa.String(length=250), nullable=True, comment="whose place a deputy took"),
        sa.Column("place_of_name", sa.String(length=250), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False, comment="roles held when deciding"),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("change_digest", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["release_approval.id"],
            name=op.f("fk_release_decision_approval_id_release_approval"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_decision")),
        sa.UniqueConstraint(
            "approval_id", "node", "actor_id", name=op.f("uq_release_decision_approval_id_node_actor_id")
        ),
    )
    op.create_index(op.f("ix_release_decision_actor_id"), "release_decision", ["actor_id"], unique=False)


def _create_report() -> None:
    op.create_table(
        "release_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("base_commit", sa.String(length=40), nullable=True),
        sa.Column("items", sa.JSON(), nullable=False, comment="name, status, path, detail, facts by check"),
        sa.Column("reported_by_id", sa.String(length=250), nullable=False),
        sa.Column("reported_by_name", sa.String(length=250), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release_package.id"], name=op.f("fk_release_report_release_id_release_package")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_report")),
    )
    op.create_index(
        op.f("ix_release_report_release_id_attempt"),
        "release_report",
        ["release_id", "attempt"],
        unique=False,
    )


def _create_run() -> None:
    op.create_table(
        "release_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release_package.id"], name=op.f("fk_release_run_release_id_release_package")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_run")),
        sa.UniqueConstraint("release_id", "dag_id", name=op.f("uq_release_run_release_id_dag_id")),
    )


def _create_submission() -> None:
    op.create_table(
        "release_submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, … within the unit"),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column(
            "change", sa.String(length=32), nullable=False, comment="against the target when submitted"
        ),
        sa.Column("dag_ids", sa.JSON(), nullable=False, comment="ids in the target"),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 over the sorted (path, mode, blob) list",
        ),
        sa.Column(
            "commit_id",
            sa.String(length=40),
            nullable=False,
            comment="commit that keeps the files in the store",
        ),
        sa.Column(
            "closure", sa.JSON(), nullable=False, comment="path, mode, blob, size, kind, reason by file"
        ),
        sa.Column(
            "external", sa.JSON(), nullable=False, comment="imported modules that are not in the source"
        ),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("submitted_by_id", sa.String(length=250), nullable=False),
        sa.Column("submitted_by_name", sa.String(length=250), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "release_id",
            sa.Integer(),
            nullable=True,
            comment="the open release that holds it, or the one that released it",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release_package.id"],
            name=op.f("fk_release_submission_release_id_release_package"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_submission_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_submission")),
        sa.UniqueConstraint("unit_id", "version", name=op.f("uq_release_submission_unit_id_version")),
    )
    op.create_index(op.f("ix_release_submission_state"), "release_submission", ["state"], unique=False)


def _create_item() -> None:
    op.create_table(
        "release_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release_package.id"], name=op.f("fk_release_item_release_id_release_package")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["release_submission.id"],
            name=op.f("fk_release_item_submission_id_release_submission"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_item")),
        sa.UniqueConstraint(
            "release_id", "submission_id", name=op.f("uq_release_item_release_id_submission_id")
        ),
    )
    op.create_index(op.f("ix_release_item_submission_id"), "release_item", ["submission_id"], unique=False)


def upgrade() -> None:
    _create_approval()
    _create_environment()
    _create_event()
    _create_event_head()
    _create_gate()
    _create_package()
    _create_unit()
    _create_decision()
    _create_report()
    _create_run()
    _create_submission()
    _create_item()


def downgrade() -> None:
    op.drop_table("release_item")
    op.drop_table("release_submission")
    op.drop_table("release_run")
    op.drop_table("release_report")
    op.drop_table("release_decision")
    op.drop_table("release_unit")
    op.drop_table("release_package")
    op.drop_table("release_gate")
    op.drop_table("release_event_head")
    op.drop_table("release_event")
    op.drop_table("release_environment")
    op.drop_table("release_approval")
