"""``airflow release retry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, operator, release_id
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def retry(args: Namespace) -> list[Row]:
    """Start another attempt; what people approved before the machinery broke may still count."""
    with unit_of_work() as (ctx, _):
        release = creation.retry(ctx, actor=operator(), release_id=release_id(args.release))
        return [
            {
                "number": release.number,
                "state": release.state.value,
                "attempt": release.attempt,
                "pipeline_run": release.pipeline_run_id or "",
            }
        ]
