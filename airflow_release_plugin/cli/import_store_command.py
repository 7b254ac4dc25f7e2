"""``airflow release import-store``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, operator
from airflow_release_plugin.services.baseline import earlier_store
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def import_store(args: Namespace) -> list[Row]:
    """Take in a bare repository, and say how many refs are new."""
    with unit_of_work() as (ctx, _):
        copied = earlier_store.take_in(ctx, actor=operator(), path=Path(args.path).expanduser())
    return [{"new": len(copied.new), "there already": len(copied.known)}]
