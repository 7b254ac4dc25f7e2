"""``airflow release health``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, fail
from airflow_release_plugin.services.server.health import problems

if TYPE_CHECKING:
    from argparse import Namespace


@command
def health(args: Namespace) -> list[Row]:
    """Say what does not answer."""
    found = problems()
    if found:
        fail(args, [{"status": "unhealthy", "problem": problem} for problem in found])
    return [{"status": "healthy", "problem": ""}]
