"""``airflow release verify-audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, fail
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@command
def verify_audit(args: Namespace) -> list[Row]:
    """Say at which event the hash chain breaks, if it does."""
    with unit_of_work() as (ctx, _):
        broken = audit.first_broken_link(ctx)
    if broken is not None:
        fail(args, [{"status": "broken", "first_broken_event": broken}])
    return [{"status": "intact", "first_broken_event": ""}]
