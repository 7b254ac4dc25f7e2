"""What the caller was told in person, and how they want to be told."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.notice import (
    NoticeResponse,
    NoticesReadBody,
    NoticeWaysBody,
    NoticeWaysResponse,
)
from airflow_release_plugin.services.notices import mine

router = APIRouter(prefix="/notices", tags=["Me"])


@router.get("")
def list_notices(
    caller: CallerDep, unread_only: bool = False, limit: LimitQuery = 100, offset: OffsetQuery = 0
) -> Collection[NoticeResponse]:
    """What the caller was told, the newest first."""
    with caller.transaction() as (ctx, actor):
        page = mine.get_list(ctx, actor=actor, unread_only=unread_only, limit=limit, offset=offset).page
        items = [NoticeResponse.model_validate(row) for row in page.items]
        return listed(page, items)


@router.post("/read", status_code=204)
def mark_read(body: NoticesReadBody, caller: CallerDep) -> None:
    """Write down that the caller read some of their notices, or all."""
    with caller.transaction() as (ctx, actor):
        mine.mark_read(ctx, actor=actor, notice_ids=body.notice_ids)


@router.get("/ways")
def ways(caller: CallerDep) -> NoticeWaysResponse:
    """How the caller is told of each kind of event."""
    with caller.transaction() as (ctx, actor):
        return NoticeWaysResponse(ways=mine.ways(ctx, actor=actor))


@router.put("/ways")
def choose_ways(body: NoticeWaysBody, caller: CallerDep) -> NoticeWaysResponse:
    """Choose how the caller is told of some kinds of events."""
    with caller.transaction() as (ctx, actor):
        return NoticeWaysResponse(ways=mine.choose(ctx, actor=actor, chosen=body.ways))
