"""What the pipeline of a release does, as a service user or an admin."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from airflow_release_plugin.api.dependencies import CallerDep, IdPath, RangesQuery
from airflow_release_plugin.api.serializers.common import release_detail, trees_response
from airflow_release_plugin.domain.release.progress import ItemProgress
from airflow_release_plugin.domain.tasks import TaskKey
from airflow_release_plugin.schemas.release import (
    ErroredBody,
    PromotionResponse,
    ReleaseDetailResponse,
    StartStatusResponse,
    VerificationResponse,
)
from airflow_release_plugin.schemas.task import ClaimBody, ClaimResponse
from airflow_release_plugin.schemas.work import (
    ProgressBody,
    ProgressResponse,
    ReportBody,
    WorkResponse,
    WorkTreesResponse,
)
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import checks, task_claims, work
from airflow_release_plugin.services.releases import progress as progress_service
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.verification import runs, verification
from airflow_release_plugin.store.wire import MEDIA_TYPE

router = APIRouter(prefix="/{release_id}", tags=["Pipeline"])


@router.get("/work")
def get_work(release_id: IdPath, caller: CallerDep) -> WorkResponse:
    """What a worker needs in order to check the release."""
    with caller.transaction() as (ctx, actor):
        return WorkResponse.model_validate(work.work_of(ctx, actor=actor, release_id=release_id))


@router.get("/trees")
def get_trees(release_id: IdPath, caller: CallerDep) -> WorkTreesResponse:
    """The files of the target, of what the release does to it, and of the source as it was submitted."""
    with caller.transaction() as (ctx, actor):
        return trees_response(work.work_trees(ctx, actor=actor, release_id=release_id))


@router.get("/blobs", response_class=StreamingResponse, responses={200: {"content": {MEDIA_TYPE: {}}}})
def get_blobs(release_id: IdPath, caller: CallerDep, ranges: RangesQuery = "") -> StreamingResponse:
    """The bytes of those trees: blobs in a row, ``ranges`` of their sorted ids, or all."""
    with caller.transaction() as (ctx, actor):
        row = work.stream_blobs(ctx, actor=actor, release_id=release_id, ranges=ranges)
    return StreamingResponse(row, media_type=MEDIA_TYPE)


@router.post("/claims")
def claim(release_id: IdPath, body: ClaimBody, caller: CallerDep) -> ClaimResponse:
    """Say, as a task of the release's run, that what carries this secret comes from it."""
    task = TaskKey(body.dag_id, body.run_id, body.task_id, body.map_index, body.try_number)
    with caller.transaction() as (ctx, actor):
        found = task_claims.claim(ctx, actor=actor, release_id=release_id, task=task, secret=body.secret)
        return ClaimResponse.model_validate(found)


@router.post("/progress")
def progress(release_id: IdPath, body: ProgressBody, caller: CallerDep) -> ProgressResponse:
    """Say how far the check of some files is; shown on the page of the release, not kept."""
    with caller.transaction() as (ctx, actor):
        files = [ItemProgress(**{**dict(file), "lines": tuple(file.lines)}) for file in body.files]
        told = progress_service.note(
            ctx, actor=actor, release_id=release_id, attempt=body.attempt, files=files
        )
        return ProgressResponse(done=sum(item.is_done for item in told), total=len(told))


@router.post("/reports")
def report(release_id: IdPath, body: ReportBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Report what a step found out; a failed item fails the release."""
    with caller.transaction() as (ctx, actor):
        checks.report(
            ctx,
            actor=actor,
            release_id=release_id,
            kind=body.kind,
            attempt=body.attempt,
            base_commit=body.base_commit,
            items=body.items,
            joined=[JoinedFile(**file.model_dump()) for file in body.joined],
            ask=body.request_approval,
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/request-approval")
def request_approval(release_id: IdPath, caller: CallerDep) -> ReleaseDetailResponse:
    """Open the approval of a release whose checks passed."""
    with caller.transaction() as (ctx, actor):
        checks.request_approval(ctx, actor=actor, release_id=release_id)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/errored")
def errored(release_id: IdPath, body: ErroredBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Say that the machinery broke while it worked on the release."""
    with caller.transaction() as (ctx, actor):
        checks.mark_errored(ctx, actor=actor, release_id=release_id, reason=body.reason)
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release_id))


@router.post("/promote")
def promote(release_id: IdPath, caller: CallerDep) -> PromotionResponse:
    """Bring an approved release to its environment; calling again answers the same."""
    with caller.transaction() as (ctx, actor):
        release = promotions.promote(ctx, actor=actor, release_id=release_id)
        return PromotionResponse(
            release_id=release.id,
            state=release.effective_state(ctx.clock()),
            commit=release.target_commit or "",
        )


@router.post("/verify")
def verify(release_id: IdPath, caller: CallerDep) -> VerificationResponse:
    """Compare what Airflow serves with what was released; what fails is rolled back before this answers."""
    with caller.transaction() as (ctx, actor):
        return VerificationResponse.model_validate(
            verification.verify(ctx, actor=actor, release_id=release_id)
        )


@router.post("/run")
def run(release_id: IdPath, caller: CallerDep) -> list[StartStatusResponse]:
    """Start the runs that the release asked for, each once; none if it did not ask."""
    with caller.transaction() as (ctx, actor):
        started = runs.start_runs(ctx, actor=actor, release_id=release_id)
        return [StartStatusResponse.model_validate(item) for item in started]


@router.post("/soak")
def soak(release_id: IdPath, caller: CallerDep) -> VerificationResponse:
    """Look at the first runs; a release without a soak passes at once, one whose runs fail is rolled back."""
    with caller.transaction() as (ctx, actor):
        return VerificationResponse.model_validate(runs.soak(ctx, actor=actor, release_id=release_id))
