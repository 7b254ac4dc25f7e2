"""Lists as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from airflow_release_plugin.models import Release
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
