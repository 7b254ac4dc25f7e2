"""Keeping a version: its number, its commit and ref in the store, its row and its line in the trail."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import CommitMessage, submission_ref

_NOTHING = Closure("", ())


def content_columns(closure: Closure | None) -> dict[str, Any]:
    """The columns of a submission that say what is in it; ``None`` is a removal."""
    content = closure or _NOTHING
    return {
        "digest": content.digest,
        "closure": [file.to_dict() for file in content.files],
        "external": list(content.external),
        "warnings": list(content.warnings),
    }


def keep(ctx: Context, submission: Submission, *, actor: Actor) -> Submission:
    """
    Number a version and keep it. Its files must be in the store already, its unit locked by the caller.

    :param submission: everything but version and commit
    """
    unit = submission.unit
    submission.version = submissions.last_version(ctx.session, unit) + 1
    write(ctx, submission, actor=actor)
    ctx.session.add(submission)
    # The id names the version in the trail.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.SUBMISSION_CREATED,
        subject=f"submission:{submission.id}",
        unit=unit.name,
        path=submission.path,
        version=submission.version,
        change=submission.change.value,
        digest=submission.digest,
        dag_ids=list(submission.dag_ids),
        comment=submission.comment,
        copy_of=submission.copy_of_id,
    )
    return submission


def write(ctx: Context, submission: Submission, *, actor: Actor) -> None:
    """Write the commit and the ref of a version that has its number."""
    unit = submission.unit
    submission.commit_id = ctx.store.commit(
        parent=None,
        changes=[TreeChange(entry.path, entry) for entry in submission.entries],
        message=CommitMessage(
            title=f"{unit.name} v{submission.version}",
            body=submission.comment,
            trailers=(("Submitted-by", actor.name), ("Unit", submission.path), ("Digest", submission.digest)),
        ),
        author=actor.name,
        time=submission.submitted_at,
    )
    # A ref left by a transaction that was rolled back is taken over: no version had it.
    ref = submission_ref(unit.name, submission.version)
    ctx.store.move_ref(ref, expected=ctx.store.ref(ref), new=submission.commit_id)
