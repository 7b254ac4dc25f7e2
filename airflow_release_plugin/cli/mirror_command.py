"""``airflow release mirror``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, fail, operator
from airflow_release_plugin.domain.release.mirror import masked
from airflow_release_plugin.services.mirror import by_hand

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def mirror(args: Namespace) -> list[Row]:
    """Push branches and tags to a repository, or to the configured mirror; say what came of it."""
    if args.target:
        copied = by_hand.copy_to(args.target, actor=operator(), conn_id=args.conn_id, force=args.force)
        return [
            {
                "mirror": masked(args.target),
                "pushed": copied.pushed,
                "there already": copied.total - copied.pushed,
            }
        ]
    outcome = by_hand.push_now(actor=operator(), force=args.force)
    if outcome.plan is None:
        fail(args, [{"mirror": outcome.url, "problem": outcome.problem}])
        return []
    return [{"mirror": outcome.url, "pushed": len(outcome.plan.updates)}]
