"""The form that asks for a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.releases import creation, previews
from airflow_release_plugin.services.releases.previews import ApprovalPreview
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import submissions


@dataclass(frozen=True)
class ReleaseFormDetail:
    """The versions that were chosen, and who could approve a release of them."""

    submissions: list[Submission]
    preview: ApprovalPreview


def get_form(
    ctx: Context, *, actor: Actor, submission_ids: Sequence[int], at_least_level: int = 1
) -> ReleaseFormDetail:
    """
    What a release of these versions would need.

    :raises InvalidRequestError: none, or more than a release may hold
    :raises NotFoundError: the actor may not see one of them
    """
    if not submission_ids:
        raise InvalidRequestError("Choose at least one submitted version under To be released.")
    if len(submission_ids) > creation.MAX_ITEMS:
        raise InvalidRequestError(
            "%(number)s versions were chosen; a release holds at most %(most)s. Choose "
            "fewer, and make a second release of the others.",
            number=len(submission_ids),
            most=creation.MAX_ITEMS,
        )
    chosen = [submissions.get(ctx, actor=actor, submission_id=each) for each in submission_ids]
    preview = previews.preview_for(ctx, chosen, actor=actor, at_least_level=at_least_level)
    return ReleaseFormDetail(chosen, preview)
