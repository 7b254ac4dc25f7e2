"""``airflow release reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def reconcile(args: Namespace) -> list[Row]:
    """Finish promotions that a crash interrupted; a second call finds none."""
    del args
    with unit_of_work() as (ctx, _):
        finished = promotions.reconcile(ctx, ctx.settings.environment)
        return [
            {"number": r.number, "state": r.state.value, "commit": r.target_commit or ""} for r in finished
        ]
