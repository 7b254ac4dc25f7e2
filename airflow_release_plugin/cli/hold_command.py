"""``airflow release hold`` and ``airflow release unhold``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, moment, operator, release_id
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def hold(args: Namespace) -> list[Row]:
    """Let nothing but rollbacks and what is excepted go to an environment."""
    with unit_of_work() as (ctx, _):
        found = holds.set_hold(
            ctx,
            actor=operator(),
            environment=args.environment,
            reason=args.reason,
            ends_at=moment(args.until) if args.until else None,
            excepted=[release_id(text) for text in args.excepted],
        )
        return [
            {
                "environment": found.environment,
                "reason": found.reason,
                "until": found.ends_at.isoformat() if found.ends_at else "",
                "excepted": found.excepted_numbers,
            }
        ]


@deed
def unhold(args: Namespace) -> list[Row]:
    """Let releases to an environment go on."""
    with unit_of_work() as (ctx, _):
        holds.lift(ctx, actor=operator(), environment=args.environment)
        return [{"environment": args.environment, "held": False}]
