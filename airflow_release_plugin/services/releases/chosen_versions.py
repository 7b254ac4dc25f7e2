"""The versions that a release is made of: there, free and locked."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotFoundError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.models.release import release_number
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.releases import expiry
from airflow_release_plugin.services.runtime.context import Context


def claim(
    ctx: Context,
    submission_ids: Sequence[int],
    *,
    most: int,
    state: SubmissionState = SubmissionState.PENDING,
) -> list[Submission]:
    """
    Lock submissions that a release is about to take.

    :param most: how many it may hold: an import comes as one release, however large its bundle is
    :param state: where they are until then; not in the list if they were made for the release
    :raises ItemBusyError: one is in another open release
    :raises ConflictError: one is in another state
    """
    ids = sorted(set(submission_ids))
    if not 1 <= len(ids) <= most:
        raise InvalidRequestError(
            "A release holds 1 to %(most)s submissions; %(number)s were chosen.", most=most, number=len(ids)
        )
    # Releases are locked before submissions everywhere, so that two requests never wait for each other.
    expiry.expire_holders_if_due(ctx, submissions.submissions_by_id(ctx.session, ids))
    chosen = submissions.submissions_by_id(ctx.session, ids, lock=True)
    missing = sorted(set(ids) - {submission.id for submission in chosen})
    if missing:
        raise NotFoundError("There is no submission %(missing)s. Reload the list.", missing=missing)
    for submission in chosen:
        if submission.state is SubmissionState.IN_RELEASE:
            raise ItemBusyError(
                Message(
                    "v%(version)s of %(path)r is part of the open release %(release_id)s; revoke that "
                    "first or leave the Dag out.",
                    version=submission.version,
                    path=submission.path,
                    release_id=release_number(submission.release_id or 0),
                ),
                release_id=submission.release_id,
            )
        if submission.state is not state:
            raise ConflictError(
                "v%(version)s of %(path)r is %(state)s; only versions that wait in the "
                "to-be-released list can be released. Reload the list.",
                version=submission.version,
                path=submission.path,
                state=submission.state.value,
            )
    if len({submission.unit_id for submission in chosen}) < len(chosen):
        raise InvalidRequestError("Two versions of the same Dag file were chosen; choose one.")
    return chosen
