"""What came to the target and when: commits of the branch, releases that made them, versions by moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import environment_ref

_AT_ONCE = 200
"""Commits that are read at a time."""


@dataclass(frozen=True)
class HistoryPoint:
    """
    What happened in the target after a point of its history.

    :param commit: the point; ``None`` is before the first commit
    :param head: where the branch is now
    :param commits: those after the point, newest first
    :param landed: the releases that made them, newest first
    """

    commit: str | None
    head: str | None
    commits: tuple[str, ...]
    landed: tuple[Release, ...]


def history_point(ctx: Context, commit: str | None) -> HistoryPoint:
    """
    What came to the target after ``commit``; costs by the number of later commits, not by that of all.

    :raises ConflictError: the branch does not contain the commit
    """
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    commits = commits_after(ctx, commit, head)
    made = releases.by_commit(ctx.session, ctx.settings.environment, commits)
    return HistoryPoint(commit, head, commits, tuple(made[c] for c in commits if c in made))


def commits_after(ctx: Context, commit: str | None, head: str | None) -> tuple[str, ...]:
    """Commits of the branch after ``commit``, newest first. Raises ``ConflictError`` if it is not in it."""
    found: list[str] = []
    at = head
    while at != commit:
        if at is None:
            raise ConflictError(
                "Commit %(commit)s is not in the history of %(environment)r: the branch was made "
                "anew. Roll back Dag by Dag instead.",
                commit=commit,
                environment=ctx.settings.environment,
            )
        for facts in ctx.store.history(at, limit=_AT_ONCE):
            if facts.id == commit:
                return tuple(found)
            found.append(facts.id)
            at = next(iter(facts.parents), None)
    return tuple(found)


def versions_at(ctx: Context, unit_ids: Collection[int], point: HistoryPoint) -> dict[int, Submission]:
    """What the target held of these units at a point of its history; only those that it did hold."""
    later = {release.id for release in point.landed}
    found: dict[int, Submission] = {}
    for release_id, row in submissions.landed(ctx.session, ctx.settings.environment, unit_ids):
        if release_id not in later:
            found.setdefault(row.unit_id, row)
    return {unit: row for unit, row in found.items() if not row.is_removal}
