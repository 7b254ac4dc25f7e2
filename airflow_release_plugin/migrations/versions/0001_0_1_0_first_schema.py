"""
The first schema.

Revision ID: 0001
Revises:
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
release_version = "0.1.0"


def _create_release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "number", sa.String(length=32), nullable=False, comment="R-000001; names the tag in the store"
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False, comment="why it is in this state, for people"),
        sa.Column(
            "state_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it came into this state",
        ),
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
            comment="commit that the release is in the target as",
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
            "also_changes",
            sa.JSON(),
            nullable=False,
            comment="ids of DAGs outside of it that its check saw change",
        ),
        sa.Column(
            "scheduled_at", sa.DateTime(timezone=True), nullable=True, comment="not to be executed before"
        ),
        sa.Column(
            "at_least_level", sa.Integer(), nullable=False, comment="risk level that people raised it to"
        ),
        sa.Column("risk", sa.JSON(), nullable=False, comment="facts that the level was found on"),
        sa.Column(
            "soak_minutes",
            sa.Integer(),
            nullable=False,
            comment="in which the first runs must succeed; 0 for no soak",
        ),
        sa.Column(
            "rolls_back_id",
            sa.Integer(),
            nullable=True,
            comment="the release that this one takes out of the target",
        ),
        sa.Column("exempt_reason", sa.Text(), nullable=False, comment="why nobody had to approve"),
        sa.Column(
            "progress",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="while it is checked or verified: of what, and state by path",
        ),
        sa.Column("break_glass_reason", sa.Text(), nullable=False, comment="why the glass was broken"),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("number", name=op.f("uq_release_number")),
    )
    op.create_index(op.f("ix_release_kind_id"), "release", ["kind", "id"], unique=False)
    op.create_index(op.f("ix_release_released_at"), "release", ["released_at"], unique=False)
    op.create_index(
        op.f("ix_release_released_by_name_id"), "release", ["released_by_name", "id"], unique=False
    )
    op.create_index(op.f("ix_release_requested_at"), "release", ["requested_at"], unique=False)
    op.create_index(op.f("ix_release_requested_by_id"), "release", ["requested_by_id"], unique=False)
    op.create_index(
        op.f("ix_release_requested_by_name_id"), "release", ["requested_by_name", "id"], unique=False
    )
    op.create_index(op.f("ix_release_state_expires_at"), "release", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_release_state_state_since"), "release", ["state", "state_since"], unique=False)
    op.create_index(op.f("ix_release_title_id"), "release", ["title", "id"], unique=False)


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
        sa.Column(
            "flow_id",
            sa.Integer(),
            nullable=True,
            comment="the flow that it was copied from, which may be gone; null = the built-in one",
        ),
        sa.Column("glass_broken", sa.Boolean(), nullable=False, comment="closed by breaking the glass"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "remind_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when people are reminded; empty once they were",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_approval")),
    )
    op.create_index(
        op.f("ix_release_approval_flow_id_id"), "release_approval", ["flow_id", "id"], unique=False
    )
    op.create_index(op.f("ix_release_approval_remind_at"), "release_approval", ["remind_at"], unique=False)
    op.create_index(op.f("ix_release_approval_state"), "release_approval", ["state"], unique=False)
    op.create_index(
        op.f("ix_release_approval_subject_type_subject_id"),
        "release_approval",
        ["subject_type", "subject_id"],
        unique=False,
    )


def _create_branch_head() -> None:
    op.create_table(
        "release_branch_head",
        sa.Column(
            "commit",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("commit", name=op.f("pk_release_branch_head")),
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


def _create_emergency() -> None:
    op.create_table(
        "release_emergency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by_id", sa.String(length=250), nullable=False),
        sa.Column("asked_by_name", sa.String(length=250), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "confirm_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="null where one person suffices",
        ),
        sa.Column("confirmed_by_id", sa.String(length=250), nullable=True),
        sa.Column("confirmed_by_name", sa.String(length=250), nullable=True),
        sa.Column("confirm_reason", sa.Text(), nullable=False),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True, comment="when it took effect"),
        sa.Column("reviewed_by_id", sa.String(length=250), nullable=True),
        sa.Column("reviewed_by_name", sa.String(length=250), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review", sa.Text(), nullable=False, comment="what came out of the look at it afterwards"),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["release_approval.id"],
            name=op.f("fk_release_emergency_approval_id_release_approval"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_emergency_release_id_release")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_emergency")),
    )
    op.create_index(
        op.f("ix_release_emergency_release_id"), "release_emergency", ["release_id"], unique=False
    )
    op.create_index(
        op.f("ix_release_emergency_reviewed_at_broken_at"),
        "release_emergency",
        ["reviewed_at", "broken_at"],
        unique=False,
    )


def _create_hold() -> None:
    op.create_table(
        "release_hold",
        sa.Column("environment", sa.String(length=250), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held_by_id", sa.String(length=250), nullable=False),
        sa.Column("held_by_name", sa.String(length=250), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True), nullable=True, comment="null until somebody lifts it"
        ),
        sa.Column(
            "excepted", sa.JSON(), nullable=False, comment="ids of releases that may go out all the same"
        ),
        sa.PrimaryKeyConstraint("environment", name=op.f("pk_release_hold")),
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
    op.create_index(
        op.f("ix_release_event_subject_sequence"), "release_event", ["subject", "sequence"], unique=False
    )
    op.create_index(op.f("ix_release_event_time"), "release_event", ["time"], unique=False)


def _create_event_archive() -> None:
    op.create_table(
        "release_event_archive",
        sa.Column("first_sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), nullable=False, comment="latest time of an event in it"
        ),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="of the last event"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="of the file"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False, comment="signature, as it is beside the file"),
        sa.Column("host", sa.String(length=250), nullable=False, comment="server that wrote it"),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("first_sequence", name=op.f("pk_release_event_archive")),
        sa.UniqueConstraint("last_sequence", name=op.f("uq_release_event_archive_last_sequence")),
    )


def _create_event_head() -> None:
    op.create_table(
        "release_event_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_event_head")),
    )


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


def _create_file_chunk() -> None:
    op.create_table(
        "release_file_chunk",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column(
            "transfer_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="of `release_export` or `release_import`",
        ),
        sa.Column(
            "position",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="of its first byte in the file",
        ),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "transfer_id", "position", name=op.f("pk_release_file_chunk")),
    )


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
        sa.Column("created_by_id", sa.String(length=250), nullable=False),
        sa.Column("created_by_name", sa.String(length=250), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
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


def _create_follower() -> None:
    op.create_table(
        "release_follower",
        sa.Column("environment", sa.String(length=250), nullable=False),
        sa.Column("host", sa.String(length=250), nullable=False),
        sa.Column(
            "serves",
            sa.String(length=40),
            nullable=False,
            comment="commit that it served then; empty for nothing",
        ),
        sa.Column(
            "pause",
            sa.Integer(),
            nullable=False,
            comment="seconds within which it means to give the next sign",
        ),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False, comment="when it asked last"),
        sa.PrimaryKeyConstraint("environment", "host", name=op.f("pk_release_follower")),
    )


def _create_gate() -> None:
    op.create_table(
        "release_gate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False, comment="why it ended so, for people"),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column(
            "repeat",
            sa.Integer(),
            nullable=False,
            comment="how often this try had asked something else before",
        ),
        sa.Column("bundle_name", sa.String(length=250), nullable=True),
        sa.Column("bundle_version", sa.String(length=200), nullable=True),
        sa.Column("data_interval_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_interval_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "run_started_by",
            sa.String(length=250),
            nullable=False,
            comment="who triggered the run, else how it came to be",
        ),
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
            "repeat",
            name="uq_release_gate_question",
        ),
    )
    op.create_index(op.f("ix_release_gate_state"), "release_gate", ["state"], unique=False)


def _create_installation() -> None:
    op.create_table(
        "release_installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("uid", sa.String(length=36), nullable=False, comment="UUID, made at the first need"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_installation")),
    )


def _create_lease() -> None:
    op.create_table(
        "release_lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=250), nullable=False, comment="host and process"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "notes",
            sa.JSON(),
            nullable=False,
            comment="what the holder leaves for its next look, or the next holder",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release_lease")),
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


def _create_mirror() -> None:
    op.create_table(
        "release_mirror",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("url", sa.String(length=2000), nullable=False, comment="without a password"),
        sa.Column(
            "heads", sa.JSON(), nullable=False, comment="commits of the branches as they were pushed last"
        ),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True, comment="when it answered last"),
        sa.Column(
            "behind_since", sa.DateTime(timezone=True), nullable=True, comment="empty while it has everything"
        ),
        sa.Column("problem", sa.Text(), nullable=False, comment="why the last attempt failed"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True, comment="not tried again before"),
        sa.Column(
            "moved", sa.JSON(), nullable=False, comment="ref, found and ours of what somebody else moved"
        ),
        sa.Column(
            "overwrite", sa.JSON(), nullable=False, comment="commits there, by ref, that an admin gave up"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_mirror")),
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


def _create_notice() -> None:
    op.create_table(
        "release_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=250), nullable=False),
        sa.Column("person_name", sa.String(length=250), nullable=False, comment="login name"),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column(
            "subject_type",
            sa.String(length=32),
            nullable=False,
            comment="release, gate, export or import",
        ),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False, comment="what a notifier is told of the same; no code"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "in_next_digest",
            sa.Boolean(),
            nullable=False,
            comment="until the digest is in the outbox",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_notice")),
    )
    op.create_index(
        op.f("ix_release_notice_in_next_digest_made_at"),
        "release_notice",
        ["in_next_digest", "made_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_release_notice_person_id_id"), "release_notice", ["person_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_release_notice_person_id_read_at"),
        "release_notice",
        ["person_id", "read_at"],
        unique=False,
    )


def _create_notice_choice() -> None:
    op.create_table(
        "release_notice_choice",
        sa.Column("person_id", sa.String(length=250), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "event", name=op.f("pk_release_notice_choice")),
    )


def _create_notification() -> None:
    op.create_table(
        "release_notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column(
            "subject_type",
            sa.String(length=32),
            nullable=False,
            comment="release, gate, export, import, environment or person",
        ),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column(
            "notifier", sa.JSON(), nullable=False, comment="as the flow had it when the approval opened"
        ),
        sa.Column("notice", sa.JSON(), nullable=False, comment="what its templates can use; no secrets"),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="started so far"),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False, comment="why the last attempt failed"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_notification")),
    )
    op.create_index(
        op.f("ix_release_notification_state_next_attempt_at"),
        "release_notification",
        ["state", "next_attempt_at"],
        unique=False,
    )


def _create_object() -> None:
    op.create_table(
        "release_object",
        sa.Column(
            "id",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
            comment="40 hex digits, as git has it",
        ),
        sa.Column("type", sa.String(length=8), nullable=False, comment="blob, tree or commit"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes before compression"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="content, compressed with zlib"),
        sa.Column(
            "parent",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
            comment="of a commit, if it has one",
        ),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was written last, within an hour",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_object")),
    )


def _create_preference() -> None:
    op.create_table(
        "release_preference",
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("page", sa.String(length=50), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="tab and filters as a query string"),
        sa.PrimaryKeyConstraint("actor_id", "page", name=op.f("pk_release_preference")),
    )


def _create_saved_filter() -> None:
    op.create_table(
        "release_saved_filter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column("page", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="the filter as a query string"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_saved_filter")),
        sa.UniqueConstraint(
            "actor_id", "page", "name", name=op.f("uq_release_saved_filter_actor_id_page_name")
        ),
    )


def _create_ref() -> None:
    op.create_table(
        "release_ref",
        sa.Column(
            "name",
            sa.String(length=3200).with_variant(sa.String(length=3200, collation="C"), "postgresql"),
            nullable=False,
            comment="refs/heads/prod and the like",
        ),
        sa.Column(
            "commit",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="how often it was set"),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release_ref")),
    )


def _create_snapshot() -> None:
    op.create_table(
        "release_snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "source",
            sa.String(length=250),
            nullable=False,
            comment="name of the source, or the bundle with its id",
        ),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 over the tree and what was left out",
        ),
        sa.Column("tree_id", sa.String(length=40), nullable=False, comment="40 hex digits, as git has it"),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of all files"),
        sa.Column(
            "left_out",
            sa.JSON(),
            nullable=False,
            comment="path and reason of what is not in it, sorted; the first thousand",
        ),
        sa.Column("left_out_count", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False, comment="when it was taken first"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_snapshot")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_release_snapshot_source_digest")),
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
        sa.Column(
            "origin",
            sa.String(length=80),
            nullable=True,
            comment="installation and number of the unit where it first came from; null = made here",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_unit")),
        sa.UniqueConstraint("source", "name", name=op.f("uq_release_unit_source_name")),
        sa.UniqueConstraint("source", "path", name=op.f("uq_release_unit_source_path")),
    )
    op.create_index(op.f("ix_release_unit_name"), "release_unit", ["name"], unique=False)


def _create_viewed_file() -> None:
    op.create_table(
        "release_viewed_file",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.String(length=250), nullable=False),
        sa.Column(
            "content",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of path, and of mode and blob before and after",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_viewed_file_release_id_release")
        ),
        sa.PrimaryKeyConstraint("release_id", "actor_id", "content", name=op.f("pk_release_viewed_file")),
    )


def _create_decision() -> None:
    op.create_table(
        "release_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
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
            "approval_id", "step", "actor_id", name=op.f("uq_release_decision_approval_id_step_actor_id")
        ),
    )
    op.create_index(op.f("ix_release_decision_actor_id"), "release_decision", ["actor_id"], unique=False)


def _create_thread() -> None:
    op.create_table(
        "release_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column(
            "side",
            sa.String(length=32),
            nullable=False,
            comment="old: as the target had it, new: as released",
        ),
        sa.Column("line", sa.Integer(), nullable=False, comment="from 1, in the text of blob"),
        sa.Column("text", sa.Text(), nullable=False, comment="the line itself, at most 300 characters"),
        sa.Column("before", sa.JSON(), nullable=False, comment="up to three lines above it"),
        sa.Column("after", sa.JSON(), nullable=False, comment="up to three lines below it"),
        sa.Column(
            "blob", sa.String(length=40), nullable=False, comment="content of the file that the line is in"
        ),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="of the release, when it was opened"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.String(length=250), nullable=False),
        sa.Column("opened_by_name", sa.String(length=250), nullable=False),
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was last resolved or reopened",
        ),
        sa.Column("moved_by_id", sa.String(length=250), nullable=True),
        sa.Column("moved_by_name", sa.String(length=250), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_thread_release_id_release")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_thread")),
    )
    op.create_index(
        op.f("ix_release_thread_release_id_state"), "release_thread", ["release_id", "state"], unique=False
    )


def _create_comment() -> None:
    op.create_table(
        "release_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=True, comment="null for one on the release as a whole"),
        sa.Column("text", sa.Text(), nullable=False, comment="Markdown; empty once it is deleted"),
        sa.Column("author_id", sa.String(length=250), nullable=False),
        sa.Column("author_name", sa.String(length=250), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by_id", sa.String(length=250), nullable=True),
        sa.Column("deleted_by_name", sa.String(length=250), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_comment_release_id_release")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["release_thread.id"], name=op.f("fk_release_comment_thread_id_release_thread")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_comment")),
    )
    op.create_index(op.f("ix_release_comment_release_id"), "release_comment", ["release_id"], unique=False)
    op.create_index(op.f("ix_release_comment_thread_id"), "release_comment", ["thread_id"], unique=False)
    op.create_table(
        "release_comment_edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"],
            ["release_comment.id"],
            name=op.f("fk_release_comment_edit_comment_id_release_comment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_comment_edit")),
    )
    op.create_index(
        op.f("ix_release_comment_edit_comment_id"), "release_comment_edit", ["comment_id"], unique=False
    )


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
        sa.Column("dag_ids", sa.JSON(), nullable=False, comment="DAGs that the bundle brings or takes away"),
        sa.Column(
            "expires_at", sa.DateTime(timezone=True), nullable=True, comment="when the bundle is refused from"
        ),
        sa.Column("folder", sa.String(length=1000), nullable=False, comment="where new DAG files go"),
        sa.Column("mode", sa.String(length=32), nullable=False, comment="submit, release or record"),
        sa.Column("mapping", sa.JSON(), nullable=False, comment="names there and here"),
        sa.Column("preflight", sa.JSON(), nullable=False),
        sa.Column("preflight_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False, comment="what was asked for when it was applied"),
        sa.Column(
            "placed",
            sa.JSON(),
            nullable=False,
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
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("uploaded_by_id", sa.String(length=250), nullable=False),
        sa.Column("uploaded_by_name", sa.String(length=250), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_import_release_id_release")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_import")),
        sa.UniqueConstraint("applied_bundle_id", name=op.f("uq_release_import_applied_bundle_id")),
    )
    op.create_index(op.f("ix_release_import_state"), "release_import", ["state"], unique=False)
    op.create_index(op.f("ix_release_import_uploaded_at"), "release_import", ["uploaded_at"], unique=False)


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
            ["release_id"], ["release.id"], name=op.f("fk_release_report_release_id_release")
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
        sa.Column("problem", sa.Text(), nullable=False, comment="why it could not be started"),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_run_release_id_release")
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
        sa.Column(
            "path",
            sa.String(length=1000),
            nullable=False,
            comment="POSIX path of the DAG file in this version; the unit may have moved since",
        ),
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
        sa.Column(
            "is_complete",
            sa.Boolean(),
            nullable=False,
            comment="whether the text of the code told all that the unit needs, and all of it is there",
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("submitted_by_id", sa.String(length=250), nullable=False),
        sa.Column("submitted_by_name", sa.String(length=250), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "copy_of_id",
            sa.Integer(),
            nullable=True,
            comment="the version whose content a rollback brought back",
        ),
        sa.Column(
            "listed",
            sa.Boolean(),
            nullable=False,
            comment="may be in the to-be-released list; what a rollback made for itself may not",
        ),
        sa.Column(
            "snapshot_id",
            sa.Integer(),
            nullable=True,
            comment="the whole source, or bundle, that it was copied from; null = there is none",
        ),
        sa.Column(
            "snapshot_gone",
            sa.Boolean(),
            nullable=False,
            comment="it had a snapshot that is kept no longer: it cannot come back to the list",
        ),
        sa.Column(
            "superseded_by_id",
            sa.Integer(),
            nullable=True,
            comment="the version whose submission took it off the list; null = none did",
        ),
        sa.Column("import_id", sa.Integer(), nullable=True, comment="the import that brought it here"),
        sa.Column(
            "release_id",
            sa.Integer(),
            nullable=True,
            comment="the open release that holds it, or the one that released it",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_submission_release_id_release")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["release_snapshot.id"],
            name=op.f("fk_release_submission_snapshot_id_release_snapshot"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_submission_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_submission")),
        sa.UniqueConstraint("unit_id", "version", name=op.f("uq_release_submission_unit_id_version")),
    )
    op.create_index(
        op.f("ix_release_submission_snapshot_id"), "release_submission", ["snapshot_id"], unique=False
    )
    op.create_index(
        op.f("ix_release_submission_release_id"), "release_submission", ["release_id"], unique=False
    )
    op.create_index(
        op.f("ix_release_submission_state_submitted_at"),
        "release_submission",
        ["state", "submitted_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_release_submission_submitted_by_name_submitted_at"),
        "release_submission",
        ["submitted_by_name", "submitted_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_release_submission_submitted_at"), "release_submission", ["submitted_at"], unique=False
    )


def _create_item() -> None:
    op.create_table(
        "release_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_item_release_id_release")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["release_submission.id"],
            name=op.f("fk_release_item_submission_id_release_submission"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_item_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_item")),
        sa.UniqueConstraint(
            "release_id", "submission_id", name=op.f("uq_release_item_release_id_submission_id")
        ),
    )
    op.create_index(op.f("ix_release_item_submission_id"), "release_item", ["submission_id"], unique=False)
    op.create_index(
        op.f("ix_release_item_unit_id_release_id"), "release_item", ["unit_id", "release_id"], unique=False
    )


def _create_observation() -> None:
    op.create_table(
        "release_observation",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False, comment="the release whose check saw it"),
        sa.Column(
            "footprint",
            sa.JSON(),
            nullable=False,
            comment="used, missing, listed, modules: paths; is_whole",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
            name=op.f("fk_release_observation_release_id_release"),
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["release_submission.id"],
            name=op.f("fk_release_observation_submission_id_release_submission"),
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_release_observation")),
    )


def _create_target_mark() -> None:
    op.create_table(
        "release_target_mark",
        sa.Column(
            "mark",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="63 bits of the hash of kind and name",
        ),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["release_submission.id"],
            name=op.f("fk_release_target_mark_submission_id_release_submission"),
        ),
        sa.PrimaryKeyConstraint("mark", "submission_id", name=op.f("pk_release_target_mark")),
    )
    op.create_index(
        op.f("ix_release_target_mark_submission_id"), "release_target_mark", ["submission_id"], unique=False
    )


def _create_task_claim() -> None:
    op.create_table(
        "release_task_claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("task_id", sa.String(length=250), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.String(length=32),
            nullable=True,
            comment="of the operator, as Airflow has it; null for one that is not ours",
        ),
        sa.Column(
            "process",
            sa.String(length=2000),
            nullable=False,
            comment="the start by a worker that it holds for, as Airflow has it",
        ),
        sa.Column(
            "secret_hash", sa.String(length=64), nullable=False, comment="SHA-256 of what the caller made up"
        ),
        sa.Column("claimed_by_id", sa.String(length=250), nullable=False),
        sa.Column("claimed_by_name", sa.String(length=250), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "contested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when another caller said that it is this task; what either says counts no more",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_task_claim_release_id_release")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_task_claim")),
        sa.UniqueConstraint(
            "dag_id", "run_id", "task_id", "map_index", "try_number", name="uq_release_task_claim_task"
        ),
    )
    op.create_index(
        op.f("ix_release_task_claim_release_id"), "release_task_claim", ["release_id"], unique=False
    )


def _create_deployment() -> None:
    op.create_table(
        "release_deployment",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column(
            "flow",
            sa.String(length=250),
            nullable=False,
            comment="that agreement was asked under; empty for none",
        ),
        sa.Column("glass_broken", sa.Boolean(), nullable=False, comment="the glass was broken for it"),
        sa.Column(
            "day",
            sa.Integer(),
            nullable=False,
            comment="UTC day on which it reached the target, since 1970-01-01",
        ),
        sa.Column(
            "failed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when verification or soak failed, or a rollback was asked for",
        ),
        sa.Column(
            "restored_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was put right: by a rollback, or by the next good release",
        ),
        sa.Column(
            "mended_by_id",
            sa.Integer(),
            nullable=True,
            comment="the release of one of its units that put it right; null for a rollback",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_deployment_release_id_release")
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_release_deployment")),
    )
    op.create_index(
        op.f("ix_release_deployment_day_flow_glass_broken_failed_at"),
        "release_deployment",
        ["day", "flow", "glass_broken", "failed_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_release_deployment_failed_at"), "release_deployment", ["failed_at"], unique=False
    )


def _create_deployed_version() -> None:
    op.create_table(
        "release_deployed_version",
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("deployed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, comment="that of the deployment"),
        sa.Column(
            "month",
            sa.Integer(),
            nullable=False,
            comment="UTC month of the deployment: year × 12 + month - 1",
        ),
        sa.Column(
            "lead_seconds",
            sa.Integer(),
            nullable=False,
            comment="from its submission until it reached the target",
        ),
        sa.Column(
            "lead_class",
            sa.Integer(),
            nullable=False,
            comment="class of the lead time, see domain/insights/histogram.py",
        ),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release_deployment.release_id"],
            name=op.f("fk_release_deployed_version_release_id_release_deployment"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_deployed_version_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("release_id", "unit_id", name=op.f("pk_release_deployed_version")),
    )
    op.create_index(
        op.f("ix_release_deployed_version_day"), "release_deployed_version", ["day"], unique=False
    )
    op.create_index(
        op.f("ix_release_deployed_version_unit_id_day"),
        "release_deployed_version",
        ["unit_id", "day"],
        unique=False,
    )


def _create_word() -> None:
    op.create_table(
        "release_word",
        sa.Column(
            "id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="64 bits of BLAKE2b over it, halved",
        ),
        sa.Column("word", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_word")),
    )


def _create_word_gram() -> None:
    op.create_table(
        "release_word_gram",
        sa.Column("gram", sa.String(length=3), nullable=False),
        sa.Column(
            "length",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="letters of the word: the closest come first",
        ),
        sa.Column("word_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("gram", "length", "word_id", name=op.f("pk_release_word_gram")),
    )


def _create_title_word() -> None:
    op.create_table(
        "release_title_word",
        sa.Column("word_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_title_word_release_id_release")
        ),
        sa.PrimaryKeyConstraint("word_id", "release_id", name=op.f("pk_release_title_word")),
    )


def _create_unit_word() -> None:
    op.create_table(
        "release_unit_word",
        sa.Column("word_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_unit_word_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("word_id", "unit_id", name=op.f("pk_release_unit_word")),
    )
    op.create_index(op.f("ix_release_unit_word_unit_id"), "release_unit_word", ["unit_id"], unique=False)


def _create_unit_label() -> None:
    op.create_table(
        "release_unit_label",
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["release_unit.id"], name=op.f("fk_release_unit_label_unit_id_release_unit")
        ),
        sa.PrimaryKeyConstraint("unit_id", "kind", "name", name=op.f("pk_release_unit_label")),
    )
    op.create_index(
        op.f("ix_release_unit_label_kind_name"), "release_unit_label", ["kind", "name"], unique=False
    )


def _create_wait() -> None:
    op.create_table(
        "release_wait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("step_name", sa.String(length=250), nullable=False),
        sa.Column("flow", sa.String(length=250), nullable=False),
        sa.Column("person_id", sa.String(length=250), nullable=False),
        sa.Column("person_name", sa.String(length=250), nullable=False),
        sa.Column(
            "completes",
            sa.Boolean(),
            nullable=False,
            comment="the step waited for nobody else after it",
        ),
        sa.Column("seconds", sa.Integer(), nullable=False, comment="since the step was reached"),
        sa.Column(
            "day",
            sa.Integer(),
            nullable=False,
            comment="UTC day of the decision, since 1970-01-01",
        ),
        sa.Column("duration_class", sa.Integer(), nullable=False, comment="class of the seconds"),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["release_approval.id"],
            name=op.f("fk_release_wait_approval_id_release_approval"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_release_wait_release_id_release")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_wait")),
        sa.UniqueConstraint(
            "approval_id", "step", "person_id", name=op.f("uq_release_wait_approval_id_step_person_id")
        ),
    )
    op.create_index(op.f("ix_release_wait_day"), "release_wait", ["day"], unique=False)
    op.create_index(op.f("ix_release_wait_release_id"), "release_wait", ["release_id"], unique=False)


def _create_duration_count() -> None:
    op.create_table(
        "release_duration_count",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False, comment="UTC month: year × 12 + month - 1"),
        sa.Column("flow", sa.String(length=250), nullable=False),
        sa.Column(
            "name",
            sa.String(length=250),
            nullable=False,
            comment="step, or id of the person; empty for lead times",
        ),
        sa.Column(
            "person_name",
            sa.String(length=250),
            nullable=False,
            comment="login name of the person; empty for others",
        ),
        sa.Column("counts", sa.LargeBinary(), nullable=False, comment="see domain/insights/histogram.py"),
        sa.PrimaryKeyConstraint("kind", "month", "flow", "name", name=op.f("pk_release_duration_count")),
    )


def _leave_compressed_data_alone() -> None:
    """PostgreSQL would try to compress what is compressed already."""
    if op.get_context().dialect.name == "postgresql":
        for table in ("release_object", "release_file_chunk"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")


def upgrade() -> None:
    """Make the tables."""
    _create_release()
    _create_approval()
    _create_branch_head()
    _create_deputy()
    _create_environment()
    _create_hold()
    _create_event()
    _create_event_archive()
    _create_event_head()
    _create_export()
    _create_file_chunk()
    _create_flow()
    _create_flow_revision()
    _create_follower()
    _create_gate()
    _create_installation()
    _create_lease()
    _create_machine()
    _create_mirror()
    _create_name_mapping()
    _create_notice()
    _create_notice_choice()
    _create_notification()
    _create_object()
    _create_preference()
    _create_saved_filter()
    _create_ref()
    _create_snapshot()
    _create_unit()
    _create_decision()
    _create_thread()
    _create_comment()
    _create_import()
    _create_report()
    _create_run()
    _create_submission()
    _create_item()
    _create_observation()
    _create_target_mark()
    _create_task_claim()
    _create_viewed_file()
    _create_deployment()
    _create_deployed_version()
    _create_unit_label()
    _create_word()
    _create_word_gram()
    _create_title_word()
    _create_unit_word()
    _create_wait()
    _create_duration_count()
    _create_emergency()
    _leave_compressed_data_alone()


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("release_viewed_file")
    op.drop_table("release_duration_count")
    op.drop_table("release_wait")
    op.drop_table("release_unit_word")
    op.drop_table("release_title_word")
    op.drop_table("release_word_gram")
    op.drop_table("release_word")
    op.drop_table("release_unit_label")
    op.drop_table("release_deployed_version")
    op.drop_table("release_deployment")
    op.drop_table("release_emergency")
    op.drop_table("release_task_claim")
    op.drop_table("release_target_mark")
    op.drop_table("release_observation")
    op.drop_table("release_item")
    op.drop_table("release_submission")
    op.drop_table("release_run")
    op.drop_table("release_report")
    op.drop_table("release_import")
    op.drop_table("release_comment_edit")
    op.drop_table("release_comment")
    op.drop_table("release_thread")
    op.drop_table("release_decision")
    op.drop_table("release_unit")
    op.drop_table("release_snapshot")
    op.drop_table("release_ref")
    op.drop_table("release_saved_filter")
    op.drop_table("release_preference")
    op.drop_table("release_object")
    op.drop_table("release_notification")
    op.drop_table("release_notice_choice")
    op.drop_table("release_notice")
    op.drop_table("release_name_mapping")
    op.drop_table("release_mirror")
    op.drop_table("release_machine")
    op.drop_table("release_lease")
    op.drop_table("release_installation")
    op.drop_table("release_hold")
    op.drop_table("release_gate")
    op.drop_table("release_follower")
    op.drop_table("release_flow_revision")
    op.drop_table("release_flow")
    op.drop_table("release_file_chunk")
    op.drop_table("release_export")
    op.drop_table("release_event_head")
    op.drop_table("release_event_archive")
    op.drop_table("release_event")
    op.drop_table("release_environment")
    op.drop_table("release_deputy")
    op.drop_table("release_branch_head")
    op.drop_table("release_approval")
    op.drop_table("release")
