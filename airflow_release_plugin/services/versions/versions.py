"""Making a version, and keeping it: number, commit and ref in the store, row, line in the trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import CommitMessage, submission_ref


@dataclass(frozen=True)
class VersionContent:
    """
    What is in a version.

    :param files: path, mode, blob, size, kind and reason of each file, as the row keeps them
    :param external: imported modules that are not in the source
    :param is_complete: whether the text told all that the unit needs, and all of it is there
    """

    files: Sequence[Mapping[str, Any]] = ()
    external: Sequence[str] = ()
    warnings: Sequence[str] = ()
    is_complete: bool = True

    @classmethod
    def of(cls, closure: Closure) -> VersionContent:
        """All of a closure."""
        missing = (Message("not found: %(name)s", name=name) for name in closure.unresolved)
        files = [file.to_dict() for file in closure.files]
        return cls(files, closure.external, [*closure.warnings, *missing], closure.is_complete)


NOTHING = VersionContent()
"""The content of a version that takes its unit out of the target."""


def draft(
    ctx: Context,
    unit: Unit,
    content: VersionContent,
    *,
    by: Person | Actor,
    path: str,
    change: ChangeKind,
    dag_ids: Iterable[str],
    comment: str,
    listed: bool = True,
    copy_of_id: int | None = None,
    import_id: int | None = None,
) -> Submission:
    """
    The only place where a version is made: all of it but number and commit, which :func:`keep` gives it.

    :param by: whose version it is; for an import that is who uploaded the bundle
    :param path: of the DAG file in this version
    :param dag_ids: ids in the target
    :param listed: whether it may be in the to-be-released list
    :param copy_of_id: the version whose content comes back
    """
    version = Submission(
        unit=unit,
        unit_id=unit.id,
        path=path,
        state=SubmissionState.PENDING,
        change=change,
        dag_ids=list(dag_ids),
        closure=[dict(file) for file in content.files],
        external=list(content.external),
        warnings=list(content.warnings),
        is_complete=content.is_complete,
        comment=comment,
        listed=listed,
        copy_of_id=copy_of_id,
        import_id=import_id,
        submitted_at=ctx.clock(),
        submitted_by_id=by.id,
        submitted_by_name=by.name,
    )
    version.digest = files_digest(version.entries)
    return version


def keep(ctx: Context, submission: Submission, *, actor: Actor) -> Submission:
    """
    Number a version, keep it and say so. Its files must be in the store, its unit locked by the caller.

    :param submission: everything but version and commit
    """
    keep_all(ctx, [submission], actor=actor)
    return submission


def keep_all(ctx: Context, made: Sequence[Submission], *, actor: Actor) -> None:
    """Do the same with many: their numbers are asked for at once, and the trail hears of all at once."""
    last = submissions.last_versions_of(ctx.session, {each.unit_id for each in made})
    for each in made:
        last[each.unit_id] = last.get(each.unit_id, 0) + 1
        add(ctx, each, last[each.unit_id], actor=actor)
    tell(ctx, made, actor=actor)


def add(ctx: Context, submission: Submission, number: int, *, actor: Actor) -> Submission:
    """
    Keep a version; :func:`tell` says so, of many at once.

    :param number: the next one of its unit, found out since that was locked
    """
    submission.version = number
    write(ctx, submission, actor=actor)
    ctx.session.add(submission)
    # The id names the version in the trail.
    ctx.session.flush()
    return submission


def tell(ctx: Context, added: Iterable[Submission], *, actor: Actor) -> None:
    """Write into the trail which versions there are now."""
    audit.record_all(
        ctx,
        [
            audit.Entry(
                EventTag.SUBMISSION_CREATED,
                f"submission:{submission.id}",
                {
                    "unit": submission.unit.name,
                    "path": submission.path,
                    "version": submission.version,
                    "change": submission.change.value,
                    "digest": submission.digest,
                    "dag_ids": list(submission.dag_ids),
                    "comment": submission.comment,
                    "copy_of": submission.copy_of_id,
                },
            )
            for submission in added
        ],
        actor=actor,
    )


def write(ctx: Context, submission: Submission, *, actor: Actor | Person) -> None:
    """Write the commit of a version that has its number, and bring its ref there."""
    unit = submission.unit
    before = submission.commit_id
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
    ref = submission_ref(unit.name, submission.version)
    ctx.store.move_ref(ref, expected=before, new=submission.commit_id)
