"""Releases of versions that are made for them: a rollback, a retirement, adopting a hand-made change."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.exceptions import StaleDigestError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.releases.creation import ReleaseTerms
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import versions
from airflow_release_plugin.services.versions.units import let_be_found


def open_release(
    ctx: Context,
    drafts: Sequence[Submission],
    release_request: ReleaseRequest,
    terms: ReleaseTerms,
    *,
    actor: Actor,
    digest: str,
) -> Release:
    """
    Make the versions, and the release of them. The caller has authorised it.

    :param drafts: everything but version and commit; their files are in the store, their units too
    :param digest: of the changes that were planned
    :raises StaleDigestError: the target changed since they were planned
    """
    submissions.lock_units(ctx.session, [draft.unit.id for draft in drafts])
    for draft in drafts:
        versions.keep(ctx, draft, actor=actor)
    release = creation.open_release(ctx, drafts, release_request, terms, actor=actor)
    let_be_found(ctx, [draft.unit for draft in drafts])
    if release.change_digest != digest:
        raise StaleDigestError(
            "%(title)s: the target changed while it was requested. Look at it again.",
            title=release_request.title,
            current=release.change_digest,
        )
    return release
