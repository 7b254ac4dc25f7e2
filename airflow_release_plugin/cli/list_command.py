"""``airflow release list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.services import access, releases
from airflow_release_plugin.services.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@command
def list_releases(args: Namespace) -> list[Row]:
    """Releases, newest first."""
    state = ReleaseState(args.state) if args.state else None
    with unit_of_work() as (ctx, actor):
        page = releases.list_releases(ctx, actor=actor, state=state, limit=max(args.limit, 0))
        return [
            {
                "number": release.number,
                "title": release.title,
                "state": release.effective_state(ctx.clock()).value,
                "dag_ids": access.release_dag_ids(release),
                "requested_by": release.requested_by_name,
                "requested_at": release.requested_at.isoformat(timespec="seconds"),
            }
            for release in page.items
        ]
