"""Lists as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from airflow_release_plugin.models import Release
from airflow_release_plugin.services.promotion.target_dags import TargetDag
from airflow_release_plugin.views.widgets.presentation import iso

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters that make a spreadsheet take a text for a formula, or hide one."""

HEAD = (
    "number",
    "title",
    "kind",
    "state",
    "environment",
    "dags",
    "requested_by",
    "requested_at",
    "released_by",
    "released_at",
    "commit",
    "change_digest",
)


TARGET_HEAD = (
    "dag_id",
    "path",
    "version",
    "release",
    "title",
    "released_at",
    "released_by",
    "commit",
    "tried_in_dev",
    "state",
    "last_run",
    "last_run_state",
    "drift",
)


def csv_line(values: Sequence[str]) -> str:
    """Return one line; a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{value}" if value.startswith(_FORMULA) else value for value in values])
    return line.getvalue()


def release_lines(releases: Iterable[Release], now: Callable[[], datetime]) -> Iterator[str]:
    """Lines of a list of releases, the names of the columns first."""
    yield csv_line(HEAD)
    for release in releases:
        yield csv_line(_values(release, release.effective_state(now()).value))


def target_dag_lines(dags: Iterable[TargetDag]) -> Iterator[str]:
    """Lines of a list of what a target holds, the names of the columns first."""
    yield csv_line(TARGET_HEAD)
    for dag in dags:
        yield csv_line(_target_values(dag))


def _target_values(dag: TargetDag) -> list[str]:
    live, last = dag.live, dag.runs[0] if dag.runs else None
    return [
        dag.dag_id,
        live.path,
        str(live.version),
        live.release_number or "",
        live.release_title or "",
        iso(live.released_at) if live.released_at else "",
        live.released_by_name or "",
        live.commit or "",
        ("yes" if dag.trial.is_success else "no") if dag.trial else "",
        dag.state.value,
        last.run_id if last else "",
        last.state if last else "",
        " ".join(sorted({finding.kind.value for finding in dag.drift})),
    ]


def _values(release: Release, state: str) -> list[str]:
    released_by = release.released_by
    return [
        release.number,
        release.title,
        release.kind.value,
        state,
        release.environment,
        " ".join(release.dag_ids),
        release.requested_by.name,
        iso(release.requested_at),
        released_by.name if released_by else "",
        iso(release.released_at) if release.released_at else "",
        release.target_commit or "",
        release.change_digest,
    ]
