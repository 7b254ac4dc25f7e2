"""Two versions, two releases, or the source and the target, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.trials import Trial
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import records
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.services.imports import evidence
from airflow_release_plugin.services.imports.evidence import ImportEvidence
from airflow_release_plugin.services.promotion.records import ReleaseMembership, stays_of
from airflow_release_plugin.services.read_models import submit_preview
from airflow_release_plugin.services.read_models.submit_preview import UnitPreview
from airflow_release_plugin.services.releases import releases as release_service
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import candidates, submissions
from airflow_release_plugin.services.versions import dev_trials, structure
from airflow_release_plugin.services.versions.contents import build_changes
from airflow_release_plugin.services.versions.file_diffs import (
    PLAIN,
    ChangedFile,
    DiffOptions,
    diff_changes,
    diff_entries,
)
from airflow_release_plugin.services.versions.source import open_source
from airflow_release_plugin.services.versions.structure import Structure
from airflow_release_plugin.store.base import environment_ref

TARGET = 0
DEFAULT = -1
LISTED = frozenset({SubmissionState.PENDING, SubmissionState.IN_RELEASE})
PICKED = 100
"""Versions that one may choose from, the newest ones."""
OFFERED = 200
"""Releases that one may choose from, the newest ones."""


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


@dataclass(frozen=True)
class SubmissionPageDetail:
    """
    Everything that the page of a version shows.

    :param compared: ``None`` for people who may not read its code
    :param stays: the releases that it was in, the newest first
    :param trials: dev runs of its DAGs; none where it was not made from the source here
    """

    submission: Submission
    compared: VersionComparison | None
    stays: tuple[ReleaseMembership, ...]
    evidence: tuple[ImportEvidence, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class ComparisonPageDetail:
    """A release, what it is compared with (``None`` while people choose), and the others to choose from."""

    release: Release
    compared: ReleaseComparison | None
    offered: list[Release]


@dataclass(frozen=True)
class SourceFileDetail:
    """A DAG file of the source as it is now, against the target."""

    closure: Closure
    changes: list[ChangedFile]
    preview: UnitPreview


def get_version_comparison(
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
    :raises NotAllowedError: the actor may not read the code
    :raises InvalidRequestError: the two are of different units
    """
    submission = submissions.get(ctx, actor=actor, submission_id=submission_id)
    access.require_code(ctx, actor, submission.dag_ids)
    return _versions(ctx, submission, against, options, actor=actor)


def _versions(
    ctx: Context, submission: Submission, against: int, options: DiffOptions, *, actor: Actor
) -> VersionComparison:
    """The same of a version whose code the actor may read."""
    choices = records.versions_of(ctx.session, submission.unit_id, limit=PICKED)
    if against == DEFAULT:
        against = TARGET if submission.state in LISTED else _previous(choices, submission)
    if against == TARGET:
        live = submission_queries.live_of(ctx.session, [submission.unit_id]).get(submission.unit_id)
        changes = structure.between(ctx, [live] if live else [], [submission])
        return VersionComparison(
            submission, None, choices, _against_target(ctx, submission, options), changes
        )
    other = submissions.get(ctx, actor=actor, submission_id=against)
    access.require_code(ctx, actor, other.dag_ids)
    if other.unit_id != submission.unit_id:
        raise InvalidRequestError(
            "v%(version)s of %(path)r and v%(other_version)s of %(other_path)r are versions of "
            "different files. Choose two versions of one file.",
            version=other.version,
            path=other.path,
            other_version=submission.version,
            other_path=submission.path,
        )
    return VersionComparison(
        submission,
        other,
        choices,
        diff_entries(ctx, _entries([other]), _entries([submission]), options),
        structure.between(ctx, [other], [submission]),
    )


def _against_target(ctx: Context, submission: Submission, options: DiffOptions) -> list[ChangedFile]:
    """What a version would change in the target as it is now."""
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    try:
        changes = build_changes(ctx, [submission], head)
    except InvalidRequestError:
        return []
    return diff_changes(ctx, head, changes, options)


def get_submission_page(
    ctx: Context, *, actor: Actor, submission_id: int, against: int = DEFAULT, options: DiffOptions = PLAIN
) -> SubmissionPageDetail:
    """A version with its comparison, the releases that it was in, and who agreed to it elsewhere."""
    submission = submissions.get(ctx, actor=actor, submission_id=submission_id)
    compared = None
    if access.may_read_code(ctx, actor, submission.dag_ids):
        compared = _versions(ctx, submission, against, options, actor=actor)
    return SubmissionPageDetail(
        submission=submission,
        compared=compared,
        stays=stays_of(ctx, submission),
        evidence=evidence.for_submissions(ctx, [submission]),
        trials=dev_trials.tried(ctx, [submission]).get(submission.id, ()),
    )


def get_trials(ctx: Context, *, actor: Actor, submission_id: int) -> tuple[Trial, ...]:
    """Which dev runs tried a version; nothing for one that was not made from the source here."""
    submission = submissions.get(ctx, actor=actor, submission_id=submission_id)
    return dev_trials.tried(ctx, [submission]).get(submission.id, ())


def get_in_order(ctx: Context, *, actor: Actor, submission_ids: Iterable[int]) -> list[Submission]:
    """Versions that the actor may see, the oldest first."""
    found = [submissions.get(ctx, actor=actor, submission_id=each) for each in submission_ids]
    return sorted(found, key=lambda row: row.version)


def get_structure(ctx: Context, *, actor: Actor, release_id: int) -> Structure:
    """How a release changes the structure of what was in the target when it was checked."""
    return structure.of_release(ctx, release_service.get(ctx, actor=actor, release_id=release_id))


def get_release_comparison(
    ctx: Context, *, actor: Actor, release_id: int, other_id: int, options: DiffOptions = PLAIN
) -> ReleaseComparison:
    """What a release brings that another one did not: versions, files, structure (R14)."""
    new = release_service.get(ctx, actor=actor, release_id=release_id)
    return _releases(ctx, new, other_id, options, actor=actor)


def _releases(
    ctx: Context, new: Release, other_id: int, options: DiffOptions, *, actor: Actor
) -> ReleaseComparison:
    old = release_service.get(ctx, actor=actor, release_id=other_id)
    access.require_code(ctx, actor, {*new.dag_ids, *old.dag_ids})
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


def get_comparison_page(
    ctx: Context, *, actor: Actor, release_id: int, other_id: int | None, options: DiffOptions = PLAIN
) -> ComparisonPageDetail:
    """
    A release, those that it can be compared with, and the comparison.

    :param other_id: the release to compare with; ``None`` while people still choose
    """
    release = release_service.get(ctx, actor=actor, release_id=release_id)
    compared = _releases(ctx, release, other_id, options, actor=actor) if other_id else None
    newest = release_service.list_releases(ctx, actor=actor, limit=OFFERED).items
    return ComparisonPageDetail(release, compared, [row for row in newest if row.id != release.id])


def get_source_file(
    ctx: Context, *, actor: Actor, path: str, options: DiffOptions = PLAIN
) -> SourceFileDetail:
    """What would be submitted for a DAG file of the source now, and what it would change in the target."""
    closure = candidates.closure_of(ctx, actor=actor, path=path)
    files = open_source(ctx).files
    new = {file.path: file.entry for file in closure.files}
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    old = ctx.store.entries(head, new)
    changes = diff_entries(ctx, old, new, options, read_new=lambda entry: files.read(entry.path))
    (preview,) = submit_preview.get_submit_preview(ctx, actor=actor, paths=[path]).units
    return SourceFileDetail(closure, changes, preview)


def _entries(rows: Iterable[Submission]) -> dict[str, FileEntry]:
    return {entry.path: entry for row in rows for entry in row.entries}


def _path(pair: ReleasePair) -> str:
    return "".join(row.path for row in (pair.new or pair.old,) if row is not None)


def _previous(choices: Sequence[Submission], submission: Submission) -> int:
    return next((row.id for row in choices if row.version < submission.version), TARGET)
