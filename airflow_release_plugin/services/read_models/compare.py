"""Two versions, two releases, or the source and the target, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import records
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import releases as release_service
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import candidates, submissions
from airflow_release_plugin.services.versions import structure
from airflow_release_plugin.services.versions.file_diffs import PLAIN, ChangedFile, DiffOptions, diff_entries
from airflow_release_plugin.services.versions.source import open_source
from airflow_release_plugin.services.versions.structure import Structure
from airflow_release_plugin.store.base import environment_ref

TARGET = 0
DEFAULT = -1
LISTED = frozenset({SubmissionState.PENDING, SubmissionState.IN_RELEASE})
PICKED = 100
"""Versions that one may choose from, the newest ones."""


@dataclass(frozen=True)
class VersionComparison:
    """
    A version against an older one, or against the target.

    :param other: ``None`` for the target as it is now
    :param choices: versions of the same unit, newest first
    """

    submission: Submission
    other: Submission | None
    choices: list[Submission]
    files: list[ChangedFile]
    structure: Structure


@dataclass(frozen=True)
class ReleasePair:
    """One unit in two releases; a side that lacks it is ``None``."""

    old: Submission | None
    new: Submission | None


@dataclass(frozen=True)
class ReleaseComparison:
    """One release against another."""

    old: Release
    new: Release
    pairs: list[ReleasePair]
    files: list[ChangedFile]
    structure: Structure


def versions(
    ctx: Context,
    *,
    actor: Actor,
    submission_id: int,
    against: int = TARGET,
    options: DiffOptions = PLAIN,
) -> VersionComparison:
    """
    What differs between a version and another one of the same unit, or the target as it is now.

    :param against: id of the other version; :data:`TARGET`; :data:`DEFAULT` for the version before one that
        has left the list, the target for the others
    :raises InvalidRequestError: the two are of different units
    """
    submission = submissions.get(ctx, actor=actor, submission_id=submission_id)
    access.require_code(ctx, actor, submission.dag_ids)
    choices = records.versions_of(ctx.session, submission.unit_id, limit=PICKED)
    if against == DEFAULT:
        against = TARGET if submission.state in LISTED else _previous(choices, submission)
    if against == TARGET:
        live = submission_queries.live_by_unit(ctx.session, ctx.settings.source).get(submission.unit_id)
        files = release_page.submission_diff(ctx, actor=actor, submission_id=submission_id, options=options)
        return VersionComparison(
            submission, None, choices, files, structure.between(ctx, [live] if live else [], [submission])
        )
    other = submissions.get(ctx, actor=actor, submission_id=against)
    access.require_code(ctx, actor, other.dag_ids)
    if other.unit_id != submission.unit_id:
        raise InvalidRequestError(
            f"v{other.version} of {other.path!r} and v{submission.version} of {submission.path!r} are "
            "versions of different files. Choose two versions of one file."
        )
    return VersionComparison(
        submission,
        other,
        choices,
        diff_entries(ctx, _entries([other]), _entries([submission]), options),
        structure.between(ctx, [other], [submission]),
    )


def release_structure(ctx: Context, *, actor: Actor, release_id: int) -> Structure:
    """How a release changes the structure of what was in the target when it was checked."""
    return structure.of_release(ctx, release_service.get(ctx, actor=actor, release_id=release_id))


def releases(
    ctx: Context, *, actor: Actor, release_id: int, other_id: int, options: DiffOptions = PLAIN
) -> ReleaseComparison:
    """What a release brings that another one did not: versions, files, structure (R14)."""
    new = release_service.get(ctx, actor=actor, release_id=release_id)
    old = release_service.get(ctx, actor=actor, release_id=other_id)
    access.require_code(ctx, actor, {*access.release_dag_ids(new), *access.release_dag_ids(old)})
    before = {item.submission.unit_id: item.submission for item in old.items}
    after = {item.submission.unit_id: item.submission for item in new.items}
    pairs = [ReleasePair(before.get(unit), after.get(unit)) for unit in {**before, **after}]
    return ReleaseComparison(
        old,
        new,
        sorted(pairs, key=_path),
        diff_entries(ctx, _entries(before.values()), _entries(after.values()), options),
        structure.between(ctx, [*before.values()], [*after.values()]),
    )


def source_file(ctx: Context, *, actor: Actor, path: str, options: DiffOptions = PLAIN) -> list[ChangedFile]:
    """What a DAG file of the source, as it is now, would change in the target."""
    closure = candidates.closure_of(ctx, actor=actor, path=path)
    files = open_source(ctx).files
    new = {file.path: file.entry for file in closure.files}
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    old = ctx.store.entries(head, new)
    return diff_entries(ctx, old, new, options, read_new=lambda entry: files.read(entry.path))


def _entries(rows: Iterable[Submission]) -> dict[str, FileEntry]:
    return {entry.path: entry for row in rows for entry in row.entries}


def _path(pair: ReleasePair) -> str:
    return "".join(row.path for row in (pair.new or pair.old,) if row is not None)


def _previous(choices: Sequence[Submission], submission: Submission) -> int:
    return next((row.id for row in choices if row.version < submission.version), TARGET)
