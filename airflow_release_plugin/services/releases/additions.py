"""
Files that a failed check names as lacking, added to the versions by somebody who asks for that.

The check adds by itself what a version opened. What it only looked for, listed or logged may belong to it or
not, so a person decides. The version keeps its number, as when files join it in the check; the release is
checked again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.release.proof_summary import lacking
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotAllowedError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Report
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.releases import creation, releases
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

_SHOWN = 5


@dataclass(frozen=True, order=True)
class LackingFile:
    """A file of what a version was made from, which the version does not hold."""

    submission_id: int
    path: str


def addable(
    ctx: Context, release: Release, reports: Sequence[Report], *, actor: Actor
) -> tuple[LackingFile, ...]:
    """What the actor may add to the versions of a failed release now; fixed queries, none for most."""
    if (
        release.state is not ReleaseState.FAILED
        or actor.id != release.requested_by_id
        or not creation.may_retry(ctx, actor, release)
        or not (named := _named(release, reports))
        or not access.may_edit(ctx, actor, _dag_ids(release, named))
    ):
        return ()
    return named


def add_files(
    ctx: Context, *, actor: Actor, release_id: int, files: Collection[LackingFile] | None = None
) -> Release:
    """
    Add files that the failed check named to versions of its release, and start another attempt.

    Only who requested the release may: nobody who has a hand in what is released approves it.

    :param files: some of those that the check named; all of them if left out
    :raises NotAllowedError: the actor did not request it, or may not edit the DAGs
    :raises ConflictError: the release has not failed, or its check names no such file
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    if actor.id != release.requested_by_id:
        raise NotAllowedError(
            "%(actor)r may not add files to %(release)s; who requested it may: %(requester)s.",
            actor=actor.name,
            release=release.subject,
            requester=release.requested_by_name,
        )
    if release.state is not ReleaseState.FAILED:
        raise ConflictError(
            "%(release)s is %(state)r; files are added to one whose check failed.",
            release=release.subject,
            state=release.state.value,
        )
    named = _named(release, report_queries.of_release(ctx.session, release.id))
    wanted = named if files is None else tuple(sorted(set(files)))
    if not named:
        raise ConflictError(
            "The check of %(release)s names no file that its versions lack.", release=release.subject
        )
    if not wanted:
        raise InvalidRequestError("Choose at least one file.")
    if unknown := sorted({file.path for file in wanted} - {file.path for file in named}):
        raise ConflictError(
            "The check of %(release)s does not name %(unknown)s. Reload the page.",
            release=release.subject,
            unknown=first_few(unknown, _SHOWN),
        )
    access.require_edit(ctx, actor, _dag_ids(release, wanted))
    reason = Message(
        "added by %(actor)s: attempt %(attempt)s found it lacking", actor=actor.name, attempt=release.attempt
    )
    added = [JoinedFile(file.submission_id, file.path, reason) for file in wanted]
    return creation.retry(ctx, actor=actor, release_id=release_id, added=added)


def _named(release: Release, reports: Sequence[Report]) -> tuple[LackingFile, ...]:
    """What the newest check of the present attempt found lacking."""
    checks = [r for r in reports if r.kind is ReportKind.CHECK and r.attempt == release.attempt]
    by_path = lacking(checks[-1].items) if checks else {}
    own = {item.submission.path: item.submission for item in release.items}
    return tuple(
        LackingFile(own[unit].id, path)
        for unit, paths in sorted(by_path.items())
        if unit in own and own[unit].snapshot_id is not None
        for path in paths
        if path not in {file["path"] for file in own[unit].closure}
    )


def _dag_ids(release: Release, files: Collection[LackingFile]) -> set[str]:
    ids = {file.submission_id for file in files}
    return {dag for item in release.items if item.submission_id in ids for dag in item.submission.dag_ids}
