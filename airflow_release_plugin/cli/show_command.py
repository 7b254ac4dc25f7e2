"""``airflow release show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models.release import release_id_of
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@command
def show(args: Namespace) -> list[Row]:
    """One release: where it stands, who decided, what it holds."""
    with unit_of_work() as (ctx, actor):
        view = release_page.get_release(ctx, actor=actor, release_id=_id(args.release))
        release = view.release
        decisions = view.approval.decisions if view.approval else []
        facts = {
            "number": release.number,
            "title": release.title,
            "state": view.state.value,
            "reason": release.state_reason,
            "environment": release.environment,
            "commit": release.target_commit or "",
            "digest": release.change_digest,
            "requested_by": release.requested_by_name,
            "decisions": [f"{d.actor_name}: {d.verdict.value}" for d in decisions],
            "items": [f"{item.path} v{item.version} ({item.change.value})" for item in release.items],
            "pipeline_run": view.pipeline.run_id if view.pipeline else "",
            "problem": (view.pipeline.problem or "") if view.pipeline else "",
        }
        return [{"property": name, "value": value} for name, value in facts.items()]


def _id(text: str) -> int:
    release_id = release_id_of(text)
    if release_id is None:
        raise InvalidRequestError(f"{text!r} is neither a number (R-000007) nor an id of a release.")
    return release_id
