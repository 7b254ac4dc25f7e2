"""``airflow release show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, release_id
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@command
def show(args: Namespace) -> list[Row]:
    """One release: where it stands, who decided, what it holds."""
    with unit_of_work() as (ctx, actor):
        view = release_page.get_release(ctx, actor=actor, release_id=release_id(args.release))
        release = view.release
        decisions = view.approval.decisions if view.approval else []
        facts = {
            "number": release.number,
            "title": release.title,
            "state": view.state.value,
            "reason": release.state_reason,
            "approval_kept_until": view.kept_until.isoformat() if view.kept_until else "",
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
