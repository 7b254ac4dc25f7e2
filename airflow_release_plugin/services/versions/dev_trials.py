"""Which dev runs tried exactly the files of versions; one query for any number of them."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.release.trials import Trial, trials
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.runtime.context import Context


def tried(ctx: Context, chosen: Iterable[Submission]) -> dict[int, tuple[Trial, ...]]:
    """
    By id of the version, what dev runs say about each of its DAGs.

    Left out are versions that no dev run here could have tried: removals, and what was not made from the
    source here (brought by an import, back by a rollback).
    """
    made = [version for version in chosen if version.snapshot_id is not None and not version.is_removal]
    ids = {ctx.settings.source_id(dag_id) for version in made for dag_id in version.dag_ids}
    runs = ctx.airflow.tasks.observed_runs(ids) if ids else ()
    return {
        version.id: trials(
            version.path,
            {entry.path: entry.blob for entry in version.entries},
            {
                dag_id: [run for run in runs if run.dag_id == ctx.settings.source_id(dag_id)]
                for dag_id in version.dag_ids
            },
        )
        for version in made
    }
