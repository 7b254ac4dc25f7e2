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
from airflow_release_plugin.domain.tree.footprint import Footprint, marks_of, module_places
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Observation, Release, Submission
from airflow_release_plugin.repositories import observations
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import target_index
from airflow_release_plugin.services.versions.parsed_units import ParsedUnit, units_of


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
    live = [row for row in target_index.under(ctx, marks_of(delta)) if row.unit_id not in but_for]
    seen = observations.of_versions(ctx.session, [row.id for row in live])
    found = {row.path: _footprint(row, seen.get(row.id)).met_by(delta) for row in live}
    return {path: met for path, met in sorted(found.items()) if met}


def keep(ctx: Context, release: Release, replaced: Collection[Submission]) -> None:
    """
    Keep what the check of a release that has just landed saw of the versions that are in the target now.

    From here on these are found by what they depend on.

    :param replaced: versions that it took out
    """
    seen = of_release(ctx, release)
    # What it took out is still filed, and in the target no more: that must have reached the database.
    ctx.session.flush()
    own = [item.submission for item in release.items if not item.submission.is_removal]
    others = [row for row in target_index.users_of(ctx, seen) if row not in own and row.path in seen]
    known = [row for row in (*own, *others) if row.path in seen]
    observations.replace(
        ctx.session,
        [
            Observation(submission_id=row.id, release_id=release.id, footprint=seen[row.path].to_dict())
            for row in known
        ],
        gone={row.id for row in replaced},
    )
    parsed = units_of(ctx, [*own, *others])
    marks = {row.id: _marks(row, seen.get(row.path), parsed.get(row.path)) for row in (*own, *others)}
    target_index.file_under(ctx, marks, gone={row.id for row in replaced})


def _marks(row: Submission, seen: Footprint | None, parsed: ParsedUnit | None) -> frozenset[str]:
    """Everything by which a version that is in the target has to be found."""
    footprint = completed(row, seen) if seen else from_text(row)
    made = target_index.makers_marks(row.dag_ids)
    if parsed is None:
        return footprint.marks() | made
    return frozenset().union(
        footprint.marks(),
        made,
        target_index.makers_marks(parsed.dag_ids),
        target_index.waiters_marks(parsed.references.awaited_dags),
        target_index.takers_marks(name for dag in parsed.dags for name in dag.assets_in),
    )


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
