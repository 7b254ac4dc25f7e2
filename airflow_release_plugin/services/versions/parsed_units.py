"""What checks found in DAG files when they ran them: of a release, of a report, of what is in the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.analysis.references import References
from airflow_release_plugin.domain.release.checks import CheckItem, also_changed
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Release, Report, Submission
from airflow_release_plugin.repositories import observations
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ParsedUnit:
    """
    What a check found in one DAG file.

    :param skipped_imports: modules that code which ran names and did not import
    """

    dags: tuple[ParsedDag, ...]
    references: References
    skipped_imports: frozenset[str] = frozenset()

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Ids of its DAGs."""
        return tuple(dag.dag_id for dag in self.dags)


def parsed_units(reports: Iterable[Report]) -> dict[str, ParsedUnit]:
    """By path, what the latest of ``reports`` found."""
    return _parsed(item for report in reports for item in report.items)


def readable_units(report: Report) -> dict[str, ParsedUnit]:
    """By path, what a check found in the files that it could read, whatever else is wrong with them."""
    return _parsed(item for item in report.items if not item.is_failed)


def _parsed(items: Iterable[CheckItem]) -> dict[str, ParsedUnit]:
    units: dict[str, ParsedUnit] = {}
    for item in items:
        if item.path and "dags" in item.facts:
            references = item.facts.get("references") or {}
            units[item.path] = ParsedUnit(
                tuple(ParsedDag.from_dict(dag) for dag in item.facts["dags"]),
                References(**{key: tuple(value) for key, value in references.items()}),
                frozenset(item.facts.get("skipped_imports") or ()),
            )
    return units


def require_facts(items: Sequence[CheckItem]) -> None:
    """Raise ``InvalidRequestError`` for facts of a check that could not be read later."""
    try:
        _parsed(items)
        also_changed(items)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidRequestError(
            "The facts of the check are not readable: %(error)s.", error=error
        ) from error


def checked_units(ctx: Context, release: Release) -> dict[str, ParsedUnit]:
    """What the passed check of the present attempt found, by path; empty before."""
    return parsed_units(
        row
        for row in report_queries.passed_checks(ctx.session, [release.id])
        if row.attempt == release.attempt
    )


def target_units(
    ctx: Context, unit_ids: Iterable[int], *, before: Release | None = None
) -> dict[str, ParsedUnit]:
    """What the target holds of units, as the last checks that ran it there saw it."""
    rows = submission_queries.live_of(ctx.session, list(unit_ids)).values()
    return units_of(ctx, [row for row in rows if before is None or row.release_id != before.id])


def units_of(ctx: Context, rows: Collection[Submission]) -> dict[str, ParsedUnit]:
    """
    Versions that are in the target by path, as the last checks that ran them there saw them.

    That is the check of the release that each came with, or of a later one that ran it, too. What others
    found at its path was another version.
    """
    seen = observations.of_versions(ctx.session, [row.id for row in rows])
    ran = {row.id: [each.release_id] if (each := seen.get(row.id)) else [] for row in rows}
    for row in rows:
        ran[row.id] += [row.release_id] if row.release_id is not None else []
    parsed = parsed_by_release(ctx, {release_id for ids in ran.values() for release_id in ids})
    return {
        row.path: found[0]
        for row in rows
        if (found := [parsed[each][row.path] for each in ran[row.id] if row.path in parsed.get(each, {})])
    }


def parsed_by_release(ctx: Context, release_ids: Collection[int]) -> dict[int, dict[str, ParsedUnit]]:
    """What the last passed checks of releases found, by path; one query."""
    reports: dict[int, list[Report]] = defaultdict(list)
    for report in report_queries.passed_checks(ctx.session, release_ids):
        reports[report.release_id].append(report)
    return {release_id: parsed_units(rows) for release_id, rows in reports.items()}
