"""``airflow release health``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, fail
from airflow_release_plugin.services.server import health as server_health
from airflow_release_plugin.services.server.health_reasons import SILENT

if TYPE_CHECKING:
    from argparse import Namespace


@command
def health(args: Namespace) -> list[Row]:
    """Say what is wrong and what to do, and which machines are not heard from."""
    found = server_health.look()
    rows = [
        f"{reason.problem}: {reason.reason} {reason.next_step}"
        for reason in found.reasons
        if reason.problem != SILENT
    ]
    rows += [
        f"{machine.host} was not heard from since {machine.heard_at:%Y-%m-%d %H:%M} UTC and serves "
        f"{machine.serves or 'nothing'}. {machine.reason}"
        for machine in found.silent
    ]
    if rows:
        fail(args, [{"status": "unhealthy", "problem": row} for row in rows])
    return [{"status": "healthy", "problem": ""}]
