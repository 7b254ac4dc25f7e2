"""Going back, as a release of its own."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep
from airflow_release_plugin.api.serializers.common import release_detail
from airflow_release_plugin.api.serializers.rollbacks import plan_response, read_choice, read_scope
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.schemas.release import ReleaseDetailResponse
from airflow_release_plugin.schemas.rollback import RollbackBody, RollbackPlanResponse, RollbackScopeBody
from airflow_release_plugin.services.read_models import release_page, rollback_page
from airflow_release_plugin.services.rollbacks import rollbacks

router = APIRouter(prefix="/rollbacks", tags=["Rollbacks"])


@router.post("/preview")
def preview(body: RollbackScopeBody, caller: CallerDep) -> RollbackPlanResponse:
    """What a rollback or retirement would do; nothing is stored."""
    with caller.transaction() as (ctx, actor):
        return plan_response(
            rollback_page.get_summary(ctx, actor=actor, scope=read_scope(body), choice=read_choice(body))
        )


@router.post("", status_code=201)
def request_rollback(body: RollbackBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Request it as a release that people approve."""
    release_request = ReleaseRequest(
        title=body.title,
        reviewers=body.reviewers,
        description=body.description,
        run_after_release=body.run_after_release,
        scheduled_at=body.scheduled_at,
        at_least_level=body.at_least_level,
    )
    with caller.transaction() as (ctx, actor):
        release = rollbacks.request(
            ctx,
            actor=actor,
            scope=read_scope(body),
            choice=read_choice(body),
            digest=body.digest,
            release_request=release_request,
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release.id))
