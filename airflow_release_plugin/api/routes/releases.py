"""Releases: what people do with them. What pipelines do is in ``pipeline.py``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from airflow_release_plugin.api.dependencies import CallerDep, IdPath, LimitQuery, OffsetQuery
from airflow_release_plugin.api.routes import pipeline
from airflow_release_plugin.api.serializers.common import (
    comparison_response,
    diff_response,
    release_detail,
    release_response,
    structure_response,
)
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.schemas.approval import DecisionBody, DecisionResponse
from airflow_release_plugin.schemas.common import Collection, Moment
from airflow_release_plugin.schemas.dev_trial import DevTrialResponse
from airflow_release_plugin.schemas.event import EventResponse
from airflow_release_plugin.schemas.release import (
    AddFilesBody,
    BreakGlassBody,
    ComparisonResponse,
    CutoverResponse,
    DiffResponse,
    ReasonBody,
    ReleaseBody,
    ReleaseDetailResponse,
    ReleaseResponse,
    ReviewBody,
    StructureResponse,
)
from airflow_release_plugin.services.promotion import cutover
from airflow_release_plugin.services.read_models import compare, release_changes, release_page
from airflow_release_plugin.services.read_models.release_changes import Against
from airflow_release_plugin.services.releases import (
    additions,
    break_glass,
    creation,
    decisions,
    emergencies,
    releases,
)
from airflow_release_plugin.services.releases.additions import LackingFile
from airflow_release_plugin.services.versions.file_diffs import DiffOptions

router = APIRouter(prefix="/releases", tags=["Releases"])
router.include_router(pipeline.router)


def _criteria(
    state: ReleaseState | None = None,
    kind: ReleaseKind | None = None,
    search: str = "",
    requested_by: str = "",
    released_by: str = "",
    dag_id: str = "",
    requested_after: Moment | None = None,
    requested_before: Moment | None = None,
    released_after: Moment | None = None,
    released_before: Moment | None = None,
) -> ReleaseFilter:
    """What the query narrows the list to; times name their zone."""
    return ReleaseFilter(
        state=state,
        kind=kind,
        search=search,
        requested_by=requested_by,
        released_by=released_by,
        dag_id=dag_id,
        requested_after=requested_after,
        requested_before=requested_before,
        released_after=released_after,
        released_before=released_before,
    )


@router.get("")
def list_releases(
    caller: CallerDep,
    criteria: Annotated[ReleaseFilter, Depends(_criteria)],
    order_by: str = "-number",
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Collection[ReleaseResponse]:
    """
    Releases that the caller may see.

    ``search`` forgives typing errors in titles and numbers. ``…_after`` counts from its moment on,
    ``…_before`` ends just before it; both name a time zone.
    """
    with caller.transaction() as (ctx, actor):
        page = releases.list_releases(
            ctx, actor=actor, criteria=criteria, order_by=order_by, limit=limit, offset=offset
        )
        items = [release_response(ctx, row) for row in page.items]
        return listed(page, items)


@router.post("", status_code=201)
def request_release(body: ReleaseBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Put submitted versions into a release and start its pipeline."""
    release_request = ReleaseRequest(
        title=body.title,
        reviewers=body.reviewers,
        description=body.description,
        run_after_release=body.run_after_release,
        scheduled_at=body.scheduled_at,
        at_least_level=body.at_least_level,
        soak_minutes=body.soak_minutes,
    )
    with caller.transaction() as (ctx, actor):
        release = creation.request(
            ctx, actor=actor, submission_ids=body.submission_ids, release_request=release_request
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release.id))


@router.get("/{release_id}")
def get_release(release_id: IdPath, caller: CallerDep) -> ReleaseDetailResponse:
    """One release with its approval, reports, pipeline and runs."""
    with caller.transaction() as (ctx, actor):
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.get("/{release_id}/diff")
def release_diff(release_id: IdPath, caller: CallerDep) -> DiffResponse:
    """What the release changes, file by file, against the target that it was checked on."""
    with caller.transaction() as (ctx, actor):
        return diff_response(release_changes.get_changes(ctx, actor=actor, release_id=release_id))


@router.get("/{release_id}/diff/since-my-approval")
def diff_since_my_approval(release_id: IdPath, caller: CallerDep) -> DiffResponse:
    """What changed in these DAGs since the caller last approved them; empty where they never did."""
    with caller.transaction() as (ctx, actor):
        return diff_response(
            release_changes.get_changes(ctx, actor=actor, release_id=release_id, against=Against.MY_APPROVAL)
        )


@router.get("/{release_id}/cutover")
def release_cutover(release_id: IdPath, caller: CallerDep) -> Collection[CutoverResponse]:
    """What the release would meet in the target: runs under way, paused DAGs, runs that are due."""
    with caller.transaction() as (ctx, actor):
        rows = cutover.get_cutover(ctx, actor=actor, release_id=release_id)
        items = [CutoverResponse.model_validate(row) for row in rows]
        return Collection(items=items, total_entries=len(items))


@router.get("/{release_id}/structure")
def release_structure(release_id: IdPath, caller: CallerDep) -> StructureResponse:
    """How the release changes the structure of what the target held when it was checked."""
    with caller.transaction() as (ctx, actor):
        return structure_response(compare.get_structure(ctx, actor=actor, release_id=release_id))


@router.get("/{release_id}/compare/{other_id}")
def compare_releases(
    release_id: IdPath, other_id: IdPath, caller: CallerDep, ignore_whitespace: bool = False
) -> ComparisonResponse:
    """What the release brings that the other one did not: files and structure."""
    with caller.transaction() as (ctx, actor):
        return comparison_response(
            compare.get_release_comparison(
                ctx,
                actor=actor,
                release_id=release_id,
                other_id=other_id,
                options=DiffOptions(ignore_whitespace=ignore_whitespace),
            )
        )


@router.get("/{release_id}/events")
def release_events(
    release_id: IdPath, caller: CallerDep, limit: LimitQuery = 100, offset: OffsetQuery = 0
) -> Collection[EventResponse]:
    """The audit trail of one release, oldest first."""
    with caller.transaction() as (ctx, actor):
        page = release_page.get_events(ctx, actor=actor, release_id=release_id, limit=limit, offset=offset)
        items = [EventResponse.model_validate(row) for row in page.items]
        return listed(page, items)


@router.get("/{release_id}/trials")
def release_trials(release_id: IdPath, caller: CallerDep) -> Collection[DevTrialResponse]:
    """Which dev run tried exactly the files of each version of the release, by DAG."""
    with caller.transaction() as (ctx, actor):
        rows = release_page.get_trials(ctx, actor=actor, release_id=release_id)
        return Collection(
            items=[DevTrialResponse.model_validate(row) for row in rows], total_entries=len(rows)
        )


@router.get("/{release_id}/decisions")
def list_decisions(release_id: IdPath, caller: CallerDep) -> Collection[DecisionResponse]:
    """Decisions of the present approval, oldest first."""
    with caller.transaction() as (ctx, actor):
        view = release_page.get_release(ctx, actor=actor, release_id=release_id)
        rows = view.approval.decisions if view.approval else []
        return Collection(
            items=[DecisionResponse.model_validate(row) for row in rows], total_entries=len(rows)
        )


@router.post("/{release_id}/decisions")
def decide(release_id: IdPath, body: DecisionBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Approve or reject exactly the change that the digest names."""
    with caller.transaction() as (ctx, actor):
        decisions.decide_release(
            ctx,
            actor=actor,
            release_id=release_id,
            verdict=body.verdict,
            change_digest=body.change_digest,
            comment=body.comment,
            step=body.step,
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/{release_id}/revoke")
def revoke(release_id: IdPath, body: ReasonBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Take back a release that is not released yet."""
    with caller.transaction() as (ctx, actor):
        releases.revoke(ctx, actor=actor, release_id=release_id, reason=body.reason)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/{release_id}/break-glass")
def override(release_id: IdPath, body: BreakGlassBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Override approval and freeze in an emergency; needs a break-glass role of the flow and a reason."""
    with caller.transaction() as (ctx, actor):
        break_glass.break_glass(
            ctx, actor=actor, release_id=release_id, change_digest=body.change_digest, reason=body.reason
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/{release_id}/emergencies/{emergency_id}/review")
def review_emergency(
    release_id: IdPath, emergency_id: IdPath, body: ReviewBody, caller: CallerDep
) -> ReleaseDetailResponse:
    """Say what came out of the look at a broken glass afterwards; for who neither did it nor asked for it."""
    with caller.transaction() as (ctx, actor):
        emergencies.review(
            ctx, actor=actor, release_id=release_id, emergency_id=emergency_id, comment=body.comment
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/{release_id}/retry")
def retry(release_id: IdPath, caller: CallerDep) -> ReleaseDetailResponse:
    """Start another attempt of a failed, errored or stale release with the same versions."""
    with caller.transaction() as (ctx, actor):
        creation.retry(ctx, actor=actor, release_id=release_id)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/{release_id}/add-files")
def add_files(release_id: IdPath, body: AddFilesBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Add files that a failed check found lacking to the versions of its release, and check it again."""
    files = (
        None if body.files is None else [LackingFile(file.submission_id, file.path) for file in body.files]
    )
    with caller.transaction() as (ctx, actor):
        additions.add_files(ctx, actor=actor, release_id=release_id, files=files)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))
