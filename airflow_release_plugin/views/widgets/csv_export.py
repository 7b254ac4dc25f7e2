"""Lists as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
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


def release_rows(user: Any, criteria: ReleaseFilter, order_by: str) -> Iterator[str]:
    """Lines of the list of releases, in a transaction that lasts as long as the download."""
    yield csv_line(HEAD)
    with unit_of_work(user) as (ctx, actor):
        for release in releases.every_release(ctx, actor=actor, criteria=criteria, order_by=order_by):
            yield csv_line(_values(release, release.effective_state(ctx.clock()).value))


def _values(release: Release, state: str) -> list[str]:
    released_by = release.released_by
    return [
        release.number,
        release.title,
        release.kind.value,
        state,
        release.environment,
        " ".join(access.release_dag_ids(release)),
        release.requested_by.name,
        iso(release.requested_at),
        released_by.name if released_by else "",
        iso(release.released_at) if release.released_at else "",
        release.target_commit or "",
        release.change_digest,
    ]
