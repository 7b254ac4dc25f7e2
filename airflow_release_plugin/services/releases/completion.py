"""
Versions that turned out to need more than their text says: completed before anybody is asked.

Running a version in the source as it was submitted shows which files it opens. Those that it lacks join it:
bytes of the same moment, from the snapshot that was taken with it, never from the source as it is now. What
people approve is the completed version: invariants 2 and 13 (docs/concepts/invariants.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import ClosureFile, FileKind
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.contents import build_changes
from airflow_release_plugin.services.versions.snapshot_commit import snapshot_commit


@dataclass(frozen=True)
class JoinedFile:
    """A file of the snapshot that belongs to a version; ``reason`` says why, for people."""

    submission_id: int
    path: str
    reason: str


def complete(
    ctx: Context, release: Release, joined: Iterable[JoinedFile], *, actor: Actor
) -> list[CheckItem]:
    """
    Add files to versions of a release that is being checked; its changes follow, its digest is left as it is.

    :return: failed check items, for versions that cannot be completed
    :raises InvalidRequestError: a version that is not in the release, or a file that its snapshot lacks
    """
    completed, problems = complete_versions(ctx, release, joined, actor=actor)
    if completed:
        problems += _follow(ctx, release, completed[0].path)
    return problems


def complete_versions(
    ctx: Context, release: Release, joined: Iterable[JoinedFile], *, actor: Actor
) -> tuple[list[Submission], list[CheckItem]]:
    """
    The same without the release: its changes are the caller's to make anew.

    :return: the versions that have more files now, and failed check items of others
    """
    wanted: dict[int, dict[str, str]] = defaultdict(dict)
    for file in joined:
        wanted[file.submission_id][file.path] = file.reason
    own = {item.submission_id: item.submission for item in release.items}
    problems: list[CheckItem] = []
    completed: list[Submission] = []
    for submission_id, reasons in sorted(wanted.items()):
        if submission_id not in own:
            raise InvalidRequestError(
                "Version %(submission_id)s is not in %(release)s.",
                submission_id=submission_id,
                release=release.subject,
            )
        submission = own[submission_id]
        files = _snapshot_entries(ctx, submission, reasons)
        if len(submission.closure) + len(files) > ctx.settings.max_unit_files:
            problems.append(_too_many(submission.path, len(files), ctx.settings.max_unit_files))
        elif _complete(ctx, submission, files, reasons, actor=actor):
            completed.append(submission)
    return completed, problems


def _snapshot_entries(ctx: Context, submission: Submission, paths: Mapping[str, str]) -> dict[str, FileEntry]:
    snapshot = submission.snapshot
    commit = snapshot_commit(ctx, snapshot.tree_id) if snapshot else None
    found = ctx.store.entries(commit, paths)
    if missing := sorted(paths.keys() - found.keys()):
        raise InvalidRequestError(
            "%(missing)s cannot join v%(version)s of %(path)r: the source had no such file when "
            "it was submitted.",
            missing=list(missing[:5]),
            version=submission.version,
            path=submission.path,
        )
    return found


def _complete(
    ctx: Context,
    submission: Submission,
    files: Mapping[str, FileEntry],
    reasons: Mapping[str, str],
    *,
    actor: Actor,
) -> bool:
    """Add files to a version; whether there was something to add."""
    closure = {file["path"]: file for file in submission.closure}
    new = [entry for path, entry in files.items() if path not in closure]
    if not new:
        return False
    for entry in new:
        file = ClosureFile(
            entry.path, entry.mode, entry.blob, entry.size, FileKind.OBSERVED, reasons[entry.path]
        )
        closure[entry.path] = file.to_dict()
    submission.closure = [closure[path] for path in sorted(closure)]
    submission.digest = files_digest(submission.entries)
    versions.write(ctx, submission, actor=submission.submitted_by)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.SUBMISSION_COMPLETED,
        subject=f"submission:{submission.id}",
        path=submission.path,
        version=submission.version,
        joined=[entry.path for entry in new],
        digest=submission.digest,
    )
    return True


def _follow(ctx: Context, release: Release, path: str) -> list[CheckItem]:
    """Make the changes of the release those of its completed versions."""
    try:
        changes = build_changes(ctx, [item.submission for item in release.items], release.base_commit)
    except InvalidRequestError as error:
        return [CheckItem("unit", CheckStatus.FAILED, error.context.get("path", path), error.message)]
    release.changes = changes
    return []


def _too_many(path: str, added: int, most: int) -> CheckItem:
    detail = Message(
        "%(path)r needs %(added)s further files of what it was made from; with them its "
        "unit has more than %(most)s ([release] max_unit_files). Name fewer folders in its "
        "code, or raise that limit.",
        path=path,
        added=added,
        most=most,
    )
    return CheckItem("unit", CheckStatus.FAILED, path, detail)
