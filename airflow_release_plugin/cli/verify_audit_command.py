"""``airflow release verify-audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, fail
from airflow_release_plugin.services.retention import archive_check
from airflow_release_plugin.services.runtime import audit, trail_cuts
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_release_plugin.services.retention.archive_check import ArchiveCheck
    from airflow_release_plugin.services.runtime.trail_cuts import BrokenLink, Cut


@command
def verify_audit(args: Namespace) -> list[Row]:
    """Say at which event the hash chain breaks, if it does, and which archives are not what was signed."""
    with unit_of_work() as (ctx, _):
        broken, cut = audit.first_broken_link(ctx), trail_cuts.newest(ctx)
        archives = archive_check.check(ctx, map(Path, args.archives))
    rows = [_of_trail(broken, cut), *map(_of_archive, archives)]
    if any(row["status"] != "intact" for row in rows):
        fail(args, rows)
    return rows


def _of_trail(broken: BrokenLink | None, cut: Cut) -> Row:
    return {
        "what": "database",
        "status": "broken" if broken else "intact",
        "first_event": cut.sequence + 1,
        "first_broken_event": broken.sequence if broken else "",
        "detail": broken.reason if broken else "",
    }


def _of_archive(found: ArchiveCheck) -> Row:
    return {
        "what": found.name,
        "status": "broken" if found.problem else "intact",
        "first_event": found.first or "",
        "first_broken_event": "",
        "detail": found.problem or f"to event {found.last}",
    }
