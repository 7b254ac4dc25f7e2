"""What checks, tests and verifications of a release found, with what counts now first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.release.checks import ReportKind, failed
from airflow_release_plugin.models import Report


@dataclass(frozen=True)
class AttemptReports:
    """
    What was found in one attempt.

    :param newest: the last report of each kind, the newest first
    :param overtaken: earlier ones of the same kinds, the newest first; the target moved on after a check
    """

    attempt: int
    newest: tuple[Report, ...]
    overtaken: tuple[Report, ...] = ()

    @property
    def total(self) -> int:
        """How many things were looked at."""
        return sum(len(report.items) for report in self.newest)

    @property
    def failed(self) -> int:
        """How many of them are not as they should be."""
        return sum(len(failed(report.items)) for report in self.newest)


def by_attempt(reports: Sequence[Report], present: int) -> tuple[AttemptReports, ...]:
    """Reports, oldest first, by their attempts: ``present`` is first, with nothing before it has reported."""
    attempts = {present, *(report.attempt for report in reports)}
    return tuple(
        _of_attempt(number, [report for report in reports[::-1] if report.attempt == number])
        for number in sorted(attempts, key=lambda number: (number != present, -number))
    )


def _of_attempt(number: int, reports: Sequence[Report]) -> AttemptReports:
    """
    Those of one attempt.

    :param reports: the newest first
    """
    last: dict[ReportKind, Report] = {}
    for report in reports:
        last.setdefault(report.kind, report)
    base = last[ReportKind.CHECK].base_commit if ReportKind.CHECK in last else None

    def counts(report: Report) -> bool:
        # A pipeline may run several tests; they count for the tree that was checked last.
        is_test = report.kind is ReportKind.TEST and report.base_commit == base
        return is_test or report is last[report.kind]

    return AttemptReports(
        number,
        tuple(report for report in reports if counts(report)),
        tuple(report for report in reports if not counts(report)),
    )
