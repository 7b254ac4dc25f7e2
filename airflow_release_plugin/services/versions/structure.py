"""How the structure of DAGs differs between versions, as their checks saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.analysis.structure_diff import DagDiff, diff_dags
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import records, releases
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.risk import parsed_units


@dataclass(frozen=True)
class Structure:
    """
    DAGs before and after.

    :param unknown: versions without a passed check, of which nobody knows what is in them
    """

    dags: tuple[DagDiff, ...]
    unknown: tuple[Submission, ...] = ()


def of_release(ctx: Context, release: Release) -> Structure:
    """What a release changes in what the target held when it was checked."""
    new = [item.submission for item in release.items]
    old = records.live_before(ctx.session, release.environment, {row.unit_id for row in new}, release)
    return between(ctx, old, new)


def between(ctx: Context, old: Sequence[Submission], new: Sequence[Submission]) -> Structure:
    """What differs between two sets of versions; units that one side knows nothing of are left out."""
    before = _parsed(ctx, [*old, *new])
    unknown = [row for row in (*old, *new) if before.get(row.id) is None]
    left_out = {row.unit_id for row in unknown}

    def dags(rows: Iterable[Submission]) -> list[ParsedDag]:
        return [dag for row in rows if row.unit_id not in left_out for dag in before[row.id] or ()]

    return Structure(diff_dags(dags(old), dags(new)), tuple(unknown))


def _parsed(ctx: Context, rows: Sequence[Submission]) -> dict[int, tuple[ParsedDag, ...] | None]:
    """DAGs by id of the version; ``None`` where no check told, nothing where the version removes them."""
    paths = {row.id: row.path for row in rows}
    dags_by_version: dict[int, tuple[ParsedDag, ...] | None] = {
        row.id: () if row.change is ChangeKind.DELETED else None for row in rows
    }
    pairs = records.releases_with(ctx.session, paths)
    for report in releases.passed_checks(ctx.session, {release_id for _, release_id in pairs}):
        units = parsed_units([report])
        for submission_id, release_id in pairs:
            unit = units.get(paths[submission_id]) if release_id == report.release_id else None
            if unit is not None and dags_by_version[submission_id] != ():
                dags_by_version[submission_id] = unit.dags
    return dags_by_version
