"""The audit trail."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.event import EventResponse
from airflow_release_plugin.services.runtime import audit

router = APIRouter(prefix="/events", tags=["Events"])


@router.get("")
def list_events(
    caller: CallerDep, after: OffsetQuery = 0, limit: LimitQuery = 100, offset: OffsetQuery = 0
) -> Collection[EventResponse]:
    """The whole trail in order, for release admins."""
    with caller.transaction() as (ctx, actor):
        page = audit.list_events(ctx, actor=actor, after=after, limit=limit, offset=offset)
        items = [EventResponse.model_validate(row) for row in page.items]
        return listed(page, items)
