"""Shared files that differ from the target."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.schemas.candidate import SharedFileResponse
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.services.submissions import shared_files

router = APIRouter(prefix="/shared-files", tags=["Candidates"])


@router.get("")
def list_shared_files(
    caller: CallerDep, search: str = "", order_by: str = "", limit: LimitQuery = 50, offset: OffsetQuery = 0
) -> Collection[SharedFileResponse]:
    """Files that several DAG files, or a released one, need and that differ from the target."""
    with caller.transaction() as (ctx, actor):
        page = shared_files.list_shared_files(
            ctx, actor=actor, search=search, order_by=order_by, limit=limit, offset=offset
        )
        items = [SharedFileResponse.model_validate(row) for row in page.items]
        return listed(page, items)
