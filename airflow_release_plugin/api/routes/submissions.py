"""Submitted versions."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, IdPath, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.common import comparison_response
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.schemas.common import Collection, RowId
from airflow_release_plugin.schemas.dev_trial import DevTrialResponse
from airflow_release_plugin.schemas.release import ComparisonResponse
from airflow_release_plugin.schemas.submission import (
    SubmissionBody,
    SubmissionDetailResponse,
    SubmissionResponse,
)
from airflow_release_plugin.services.read_models import compare
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.versions.file_diffs import DiffOptions

router = APIRouter(prefix="/submissions", tags=["Submissions"])


@router.get("")
def list_submissions(
    caller: CallerDep,
    state: SubmissionState | None = None,
    search: str = "",
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Collection[SubmissionResponse]:
    """Versions that the caller may see, newest first."""
    with caller.transaction() as (ctx, actor):
        page = submissions.list_submissions(
            ctx, actor=actor, state=state, search=search, limit=limit, offset=offset
        )
        items = [SubmissionResponse.model_validate(row) for row in page.items]
        return listed(page, items)


@router.post("", status_code=201)
def submit(body: SubmissionBody, caller: CallerDep) -> SubmissionDetailResponse:
    """Copy the present content of a DAG file and what it needs into the store as a new version."""
    with caller.transaction() as (ctx, actor):
        row = submissions.submit(ctx, actor=actor, path=body.path, comment=body.comment)
        return SubmissionDetailResponse.model_validate(row)


@router.get("/{submission_id}")
def get_submission(submission_id: IdPath, caller: CallerDep) -> SubmissionDetailResponse:
    """One version with its closure."""
    with caller.transaction() as (ctx, actor):
        return SubmissionDetailResponse.model_validate(
            submissions.get(ctx, actor=actor, submission_id=submission_id)
        )


@router.get("/{submission_id}/trials")
def submission_trials(submission_id: IdPath, caller: CallerDep) -> Collection[DevTrialResponse]:
    """Which dev run tried exactly the files of this version, for each of its DAGs."""
    with caller.transaction() as (ctx, actor):
        rows = compare.get_trials(ctx, actor=actor, submission_id=submission_id)
        return Collection(
            items=[DevTrialResponse.model_validate(row) for row in rows], total_entries=len(rows)
        )


@router.get("/{submission_id}/diff")
def submission_diff(
    submission_id: IdPath,
    caller: CallerDep,
    against: Literal["target"] | RowId = "target",
    ignore_whitespace: bool = False,
) -> ComparisonResponse:
    """What differs between this version and the target as it is now, or another version of the same file."""
    with caller.transaction() as (ctx, actor):
        return comparison_response(
            compare.get_version_comparison(
                ctx,
                actor=actor,
                submission_id=submission_id,
                against=compare.TARGET if against == "target" else against,
                options=DiffOptions(ignore_whitespace=ignore_whitespace),
            )
        )


@router.delete("/{submission_id}")
def remove(submission_id: IdPath, caller: CallerDep) -> SubmissionResponse:
    """Take a version off the to-be-released list; source and target stay as they are."""
    with caller.transaction() as (ctx, actor):
        return SubmissionResponse.model_validate(
            submissions.remove(ctx, actor=actor, submission_id=submission_id)
        )
