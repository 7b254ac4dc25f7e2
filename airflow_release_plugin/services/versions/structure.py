"""How the structure of DAGs differs between versions, as their checks saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.analysis.structure_diff import DagDiff, diff_dags
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import records
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.parsed_units import parsed_units, readable_units

_Dags: TypeAlias = dict[int, "tuple[ParsedDag, ...] | None"]
"""What is in versions, by their ids; ``None`` where nobody knows."""


@dataclass(frozen=True)
class Structure:
    """
    DAGs before and after.

    :param unknown: versions that no check could read, of which nobody knows what is in them
    :param unproven: versions that a check read which then failed
    """

    dags: tuple[DagDiff, ...]
    unknown: tuple[Submission, ...] = ()
    unproven: tuple[Submission, ...] = ()


def of_release(ctx: Context, release: Release) -> Structure:
    """What a release changes in what the target held when it was checked."""
    new = [item.submission for item in release.items]
    old = records.live_before(ctx.session, release.environment, {row.unit_id for row in new}, release)
    proven = _parsed(ctx, [*old, *new])
    is_complete = all(proven[row.id] is not None for row in new)
    return _differences(old, new, proven, {} if is_complete else _seen_by_failed_check(ctx, release))


def between(ctx: Context, old: Sequence[Submission], new: Sequence[Submission]) -> Structure:
    """What differs between two sets of versions; units that one side knows nothing of are left out."""
    return _differences(old, new, _parsed(ctx, [*old, *new]), {})


def _differences(
    old: Sequence[Submission], new: Sequence[Submission], proven: _Dags, seen: _Dags
) -> Structure:
    """
    What differs, as passed checks say.

    :param seen: what a failed check says, where no other could
    """
    known = {row.id: seen.get(row.id) if proven[row.id] is None else proven[row.id] for row in (*old, *new)}
    unknown = [row for row in (*old, *new) if known[row.id] is None]
    left_out = {row.unit_id for row in unknown}

    def dags(rows: Iterable[Submission]) -> list[ParsedDag]:
        return [dag for row in rows if row.unit_id not in left_out for dag in known[row.id] or ()]

    unproven = [row for row in new if proven[row.id] is None and known[row.id] is not None]
    return Structure(diff_dags(dags(old), dags(new)), tuple(unknown), tuple(unproven))


def _seen_by_failed_check(ctx: Context, release: Release) -> _Dags:
    """DAGs of its versions that the newest check of the present attempt could read, though it failed."""
    report = report_queries.last_check(ctx.session, release.id, release.attempt)
    units = readable_units(report) if report is not None and not report.passed else {}
    return {item.submission_id: units[item.path].dags for item in release.items if item.path in units}


def _parsed(ctx: Context, rows: Sequence[Submission]) -> _Dags:
    """DAGs by id of the version; ``None`` where no check told, nothing where the version removes them."""
    paths = {row.id: row.path for row in rows}
    dags_by_version: _Dags = {row.id: () if row.change is ChangeKind.DELETED else None for row in rows}
    pairs = records.releases_with(ctx.session, paths)
    for report in report_queries.passed_checks(ctx.session, {release_id for _, release_id in pairs}):
        units = parsed_units([report])
        for submission_id, release_id in pairs:
            unit = units.get(paths[submission_id]) if release_id == report.release_id else None
            if unit is not None and dags_by_version[submission_id] != ():
                dags_by_version[submission_id] = unit.dags
    return dags_by_version
