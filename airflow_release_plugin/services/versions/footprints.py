"""
What versions depend on in the target: kept with them once they are there, and asked of whatever comes next.

A check writes it into its report. It becomes that of the versions when the release has landed, since only
then the tree that was run is the target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from airflow_release_plugin.analysis.closure import FileKind
from airflow_release_plugin.domain.release.checks import FOOTPRINT, CheckItem
from airflow_release_plugin.domain.tree.delta import TreeDelta, folders, parent
from airflow_release_plugin.domain.tree.footprint import Footprint, module_places
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Observation, Release, Submission
from airflow_release_plugin.repositories import observations, submissions
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.runtime.context import Context


def of_items(items: Iterable[CheckItem]) -> dict[str, Footprint]:
    """By DAG file, what a check saw it depend on in the tree that the target would have."""
    return {
        item.path: Footprint.from_dict(item.facts[FOOTPRINT]) for item in items if FOOTPRINT in item.facts
    }


def require_readable(items: Iterable[CheckItem]) -> None:
    """Raise ``InvalidRequestError`` for footprints that could not be read later."""
    try:
        of_items(items)
    except (TypeError, AttributeError) as error:
        raise InvalidRequestError(
            "The facts of the check are not readable: %(error)s.", error=error
        ) from error


def of_release(ctx: Context, release: Release) -> dict[str, Footprint]:
    """By DAG file, what the last passed check of the present attempt saw it depend on; empty without one."""
    rows = [
        row
        for row in report_queries.passed_checks(ctx.session, [release.id])
        if row.attempt == release.attempt
    ]
    return of_items(rows[-1].items) if rows else {}


def from_text(submission: Submission) -> Footprint:
    """
    What a version that nobody has watched depends on, as far as its text tells.

    Those are its files, the folders that its data files lie in, since code may have listed them, and the
    modules that it imports, found or not. It is more than it uses, rather than less: once it was run beside
    somebody else's change, what was seen counts instead.
    """
    data = [file["path"] for file in submission.closure if file["kind"] == FileKind.DATA.value]
    modules = [file["path"] for file in submission.closure if file["kind"] == FileKind.MODULE.value]
    return Footprint(
        used=_files(submission),
        listed=frozenset(map(parent, data)) | folders(data),
        modules=frozenset(submission.external).union(*map(module_places, modules)),
    )


def affected(ctx: Context, delta: TreeDelta, *, but_for: Collection[int]) -> dict[str, tuple[str, ...]]:
    """
    DAG files in the target that a change of it may affect, each with the paths of the change that do it.

    :param but_for: units that are not asked for
    """
    seen = observations.of_live(ctx.session, ctx.settings.source)
    live = submissions.live_by_unit(ctx.session, ctx.settings.source)
    found = {
        row.path: _footprint(row, seen.get(row.id)).met_by(delta)
        for unit, row in live.items()
        if unit not in but_for
    }
    return {path: met for path, met in sorted(found.items()) if met}


def keep(ctx: Context, release: Release, replaced: Collection[Submission]) -> None:
    """
    Keep what the check of a release that has just landed saw of the versions that are in the target now.

    :param replaced: versions that it took out
    """
    # What has just landed is in the target for the queries below, too.
    ctx.session.flush()
    live = {row.path: row.id for row in submissions.live_by_unit(ctx.session, ctx.settings.source).values()}
    rows = [
        Observation(submission_id=live[path], release_id=release.id, footprint=footprint.to_dict())
        for path, footprint in of_release(ctx, release).items()
        if path in live
    ]
    observations.replace(ctx.session, rows, gone={row.id for row in replaced})


def completed(submission: Submission, footprint: Footprint) -> Footprint:
    """
    What was seen of a version, with what was not to be seen but is known by its text.

    What only tasks read is not opened in a check; and what a file before had loaded is not asked for again.
    """
    return footprint.with_files(_files(submission), submission.external)


def _footprint(submission: Submission, seen: Observation | None) -> Footprint:
    return completed(submission, Footprint.from_dict(seen.footprint)) if seen else from_text(submission)


def _files(submission: Submission) -> frozenset[str]:
    return frozenset(file["path"] for file in submission.closure)
