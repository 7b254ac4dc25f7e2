"""Who am I, and who could review."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from airflow_release_plugin.api.dependencies import CallerDep
from airflow_release_plugin.api.serializers.home import home_response
from airflow_release_plugin.domain.identity import ActorKind
from airflow_release_plugin.schemas.approval import DecidedResponse, DecisionsBody, InboxItemResponse
from airflow_release_plugin.schemas.common import Collection, RowId
from airflow_release_plugin.schemas.flow import OfferResponse
from airflow_release_plugin.schemas.home import HomeResponse
from airflow_release_plugin.schemas.watch import MeResponse
from airflow_release_plugin.services.read_models import home as home_models
from airflow_release_plugin.services.read_models import inbox as inbox_models
from airflow_release_plugin.services.releases import decisions, previews

router = APIRouter(tags=["Me"])


@router.get("/me")
def me(caller: CallerDep) -> MeResponse:
    """The caller, their roles, and what they may do."""
    with caller.transaction() as (ctx, actor):
        found = inbox_models.get_actor(ctx, actor=actor)
        return MeResponse(
            id=actor.id,
            name=actor.name,
            roles=sorted(actor.roles),
            is_admin=found.is_admin,
            is_service=actor.kind is ActorKind.SERVICE,
            may_approve=found.may_approve,
            waiting=found.waiting,
            role=ctx.settings.role,
            source_mode=ctx.settings.source_mode,
        )


@router.get("/home")
def home(caller: CallerDep) -> HomeResponse:
    """What the first page shows: what waits for the caller, what is under way, landed or stopped."""
    with caller.transaction() as (ctx, actor):
        return home_response(ctx, home_models.get_home(ctx, actor=actor))


@router.get("/approvals")
def inbox(caller: CallerDep) -> Collection[InboxItemResponse]:
    """What waits for the caller's decision, soonest to expire first."""
    with caller.transaction() as (ctx, actor):
        items = [InboxItemResponse.model_validate(item) for item in decisions.inbox(ctx, actor=actor)]
        return Collection(items=items, total_entries=len(items))


@router.post("/approvals/decisions")
def decide_many(body: DecisionsBody, caller: CallerDep) -> Collection[DecidedResponse]:
    """Decide on several things with one comment; each stands for itself."""
    subjects = [
        decisions.DecisionRequest(item.subject, item.subject_id, item.change_digest, item.step)
        for item in body.subjects
    ]
    with caller.transaction() as (ctx, actor):
        found = decisions.decide_many(
            ctx, actor=actor, subjects=subjects, verdict=body.verdict, comment=body.comment
        )
        items = [DecidedResponse.model_validate(item) for item in found]
        return Collection(items=items, total_entries=len(items))


@router.get("/reviewers")
def reviewers(
    caller: CallerDep,
    submission_id: Annotated[tuple[RowId, ...], Query(max_length=100)] = (),
    at_least_level: Annotated[int, Query(ge=1, le=10)] = 1,
) -> OfferResponse:
    """The flow, its level and the people who could approve a release of these submissions by the caller."""
    with caller.transaction() as (ctx, actor):
        return OfferResponse.model_validate(
            previews.preview(ctx, actor=actor, submission_ids=submission_id, at_least_level=at_least_level)
        )
