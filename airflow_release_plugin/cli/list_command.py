"""``airflow release list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, moment
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace
    from datetime import datetime


@command
def list_releases(args: Namespace) -> list[Row]:
    """Releases, newest first."""
    criteria = ReleaseFilter(
        state=ReleaseState(args.state) if args.state else None,
        search=args.search or "",
        requested_by=args.requested_by or "",
        released_by=args.released_by or "",
        requested_after=_optional(args.requested_after),
        requested_before=_optional(args.requested_before),
        released_after=_optional(args.released_after),
        released_before=_optional(args.released_before),
    )
    with unit_of_work() as (ctx, actor):
        page = releases.list_releases(
            ctx,
            actor=actor,
            criteria=criteria,
            limit=max(args.limit, 0),
        )
        return [
            {
                "number": release.number,
                "title": release.title,
                "state": release.effective_state(ctx.clock()).value,
                "dag_ids": release.dag_ids,
                "requested_by": release.requested_by_name,
                "requested_at": _text(release.requested_at),
                "released_at": release.released_at.isoformat(timespec="seconds")
                if release.released_at
                else "",
            }
            for release in page.items
        ]


def _optional(text: str | None) -> datetime | None:
    return moment(text) if text else None


def _text(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""
