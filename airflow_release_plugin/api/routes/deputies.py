"""Deputies: who may decide in whose place, and when."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, IdPath
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.flow import DeputyBody, DeputyResponse
from airflow_release_plugin.services.approvals import deputies

router = APIRouter(prefix="/deputies", tags=["Deputies"])


@router.get("")
def list_deputies(caller: CallerDep) -> Collection[DeputyResponse]:
    """All deputies for admins; for others those that name them."""
    with caller.transaction() as (ctx, actor):
        items = [DeputyResponse.model_validate(row) for row in deputies.list_deputies(ctx, actor=actor)]
        return Collection(items=items, total_entries=len(items))


@router.post("", status_code=201)
def name_deputy(body: DeputyBody, caller: CallerDep) -> DeputyResponse:
    """Let somebody decide in somebody's place for a time."""
    with caller.transaction() as (ctx, actor):
        row = deputies.name_deputy(
            ctx,
            actor=actor,
            person=body.person,
            deputy=body.deputy,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
        )
        return DeputyResponse.model_validate(row)


@router.delete("/{deputy_id}", status_code=204)
def end_deputy(deputy_id: IdPath, caller: CallerDep) -> None:
    """End a deputy's time now."""
    with caller.transaction() as (ctx, actor):
        deputies.end_deputy(ctx, actor=actor, deputy_id=deputy_id)
