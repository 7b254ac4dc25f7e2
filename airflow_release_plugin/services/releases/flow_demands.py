"""What a flow demands of versions before people are asked: that they are complete, and were tried in dev."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import dev_trials


def unmet(ctx: Context, flow: FlowSpec, chosen: Sequence[Submission]) -> str:
    """Why the flow refuses these versions, and what to do; empty if it does not."""
    return _incomplete(flow, chosen) or _untried(ctx, flow, chosen)


def _incomplete(flow: FlowSpec, chosen: Sequence[Submission]) -> str:
    if not flow.complete_only:
        return ""
    open_ends = [version for version in chosen if not version.is_complete and not version.is_removal]
    if not open_ends:
        return ""
    names = first_few([f"{version.path!r} v{version.version}" for version in open_ends])
    return Message(
        "Flow %(flow)r takes complete units only, and %(names)s may lack files: the page of "
        "the version names what its code does not tell. Name these files in the code or in "
        "release.toml, and submit again.",
        flow=flow.name,
        names=names,
    )


def _untried(ctx: Context, flow: FlowSpec, chosen: Sequence[Submission]) -> str:
    days = flow.tried_within_days
    if days is None:
        return ""
    since = ctx.clock() - timedelta(days=days)
    found = dev_trials.tried(ctx, chosen)
    missing = sorted(
        trial.dag_id for trials in found.values() for trial in trials if not trial.is_since(since)
    )
    if not missing:
        return ""
    names = first_few([repr(dag_id) for dag_id in missing])
    copies = first_few([repr(ctx.settings.source_id(dag_id)) for dag_id in missing])
    return Message(
        "Flow %(flow)r demands a successful dev run of exactly these files within %(days)s "
        "days, and there is none of %(names)s. Run %(copies)s with the files that were "
        "submitted ([release] observe_dev_runs must be on), and try again. If the run reads "
        "files that the version lacks, submit again after it.",
        flow=flow.name,
        days=days,
        names=names,
        copies=copies,
    )
