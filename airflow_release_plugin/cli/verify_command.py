"""``airflow release verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, deed, fail, operator
from airflow_release_plugin.services import drift
from airflow_release_plugin.services.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


def verify(args: Namespace) -> None:
    """Compare what runs on this machine with what was approved; repair it if that is wished."""
    run = deed(_rows) if args.repair else command(_rows)
    run(args)


def _rows(args: Namespace) -> list[Row]:
    act = drift.repair if args.repair else drift.verify
    with unit_of_work() as (ctx, _):
        found = act(ctx, actor=operator(), name=ctx.settings.environment)
    if found.findings:
        fail(args, [finding.to_dict() for finding in found.findings])
    where = f"{found.host}: {found.trees} served trees, head {found.head or 'none'}"
    return [{"kind": "as approved", "place": where, "detail": "", "path": ""}]
