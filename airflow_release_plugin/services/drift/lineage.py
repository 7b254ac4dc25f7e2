"""Every commit of an environment's branch against the release that brought it, and its approval."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_release_plugin.domain.release.digest import change_digest
from airflow_release_plugin.domain.release.drift import Finding, FindingKind
from airflow_release_plugin.domain.states import ApprovalState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Approval, Release
from airflow_release_plugin.repositories import approvals, releases
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import CommitFacts

_LONGEST = 100_000
_KNOWN: dict[tuple[str, ...], str] = {}
"""Change digest by commit, kind, environment and what also changes. A commit stays; emptied when large."""


def findings(ctx: Context, environment: str, head: str | None) -> Iterator[Finding]:
    """Commits that no approved or exempt release brought, or with other content than was agreed to."""
    history = ctx.store.history(head, limit=_LONGEST)
    brought = releases.by_target_commit(ctx.session, environment, [commit.id for commit in history])
    agreed = {
        release.id: approval
        for release, approval in approvals.with_approvals(ctx.session, [r.id for r in brought.values()])
    }
    for commit in history:
        release = brought.get(commit.id)
        problem = (
            Message("no release brought it")
            if release is None
            else _problem(ctx, commit, release, agreed.get(release.id))
        )
        if problem:
            yield Finding(
                FindingKind.UNAPPROVED,
                Message("commit %(commit)s", commit=commit.id[:12]),
                Message(
                    "%(title)r of %(author)s, %(time)s UTC: %(problem)s",
                    title=commit.title,
                    author=commit.author,
                    time=f"{commit.time:%Y-%m-%d %H:%M}",
                    problem=problem,
                ),
            )


def _problem(ctx: Context, commit: CommitFacts, release: Release, approval: Approval | None) -> str:
    digest = _digest(ctx, commit, release)
    named = dict(commit.trailers).get("Change-Digest")
    if not digest == release.change_digest == named:
        return Message("its content is not that of %(release)s", release=release.subject)
    if release.exempt_reason:
        return ""
    if approval is None or approval.state is not ApprovalState.APPROVED or approval.change_digest != digest:
        return Message("%(release)s has no approval of that content", release=release.subject)
    return ""


def _digest(ctx: Context, commit: CommitFacts, release: Release) -> str:
    key = (commit.id, release.kind.value, release.environment, *release.also_changes)
    if key not in _KNOWN:
        if len(_KNOWN) >= _LONGEST:
            _KNOWN.clear()
        changes = ctx.store.changes(next(iter(commit.parents), None), commit.id)
        _KNOWN[key] = change_digest(
            changes, target=release.environment, kind=release.kind, also_changes=release.also_changes
        )
    return _KNOWN[key]
