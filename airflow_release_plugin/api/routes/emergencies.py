"""Broken glass of all releases."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.common import emergency_item
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.states import EmergencyState
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.release import EmergencyItemResponse
from airflow_release_plugin.services.releases import emergencies

router = APIRouter(prefix="/emergencies", tags=["Releases"])


@router.get("")
def list_emergencies(
    caller: CallerDep,
    state: EmergencyState | None = None,
    limit: LimitQuery = 100,
    offset: OffsetQuery = 0,
) -> Collection[EmergencyItemResponse]:
    """Broken glass of releases that the caller may see: what waits for a review first, then the newest."""
    with caller.transaction() as (ctx, actor):
        page = emergencies.list_emergencies(ctx, actor=actor, state=state, limit=limit, offset=offset)
        items = [emergency_item(each) for each in page.items]
        return listed(page, items)
