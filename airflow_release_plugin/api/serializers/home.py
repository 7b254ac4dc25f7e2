"""The first page of the section."""

from __future__ import annotations

from airflow_release_plugin.api.serializers.common import emergency_item, release_response
from airflow_release_plugin.schemas.approval import InboxItemResponse
from airflow_release_plugin.schemas.home import (
    ConditionResponse,
    FreezeResponse,
    HomeResponse,
    MovingReleaseResponse,
    StoppedReleaseResponse,
)
from airflow_release_plugin.schemas.imports import WaitingImportResponse
from airflow_release_plugin.schemas.release import HoldResponse
from airflow_release_plugin.services.read_models.home import HomeDetail, MovingRelease
from airflow_release_plugin.services.read_models.import_page import ImportSummary
from airflow_release_plugin.services.runtime.context import Context


def home_response(ctx: Context, found: HomeDetail) -> HomeResponse:
    """What the page shows to the same person."""
    return HomeResponse(
        now=found.now,
        is_first_use=found.is_first_use,
        approvals=[InboxItemResponse.model_validate(item) for item in found.inbox.items],
        imports=[_import(each) for each in found.inbox.imports],
        emergencies=[emergency_item(each) for each in found.inbox.emergencies],
        moving=[_moving(ctx, each) for each in found.moving],
        has_more_moving=found.has_more_moving,
        landed=[release_response(ctx, release) for release in found.landed],
        has_more_landed=found.has_more_landed,
        stopped=[
            StoppedReleaseResponse(
                release=release_response(ctx, each.release),
                state=each.state.value,
                since=each.since,
                reason=each.reason,
            )
            for each in found.stopped
        ],
        has_more_stopped=found.has_more_stopped,
        freezes=[FreezeResponse.model_validate(each) for each in found.freezes],
        condition=ConditionResponse.model_validate(found.condition) if found.condition else None,
    )


def _moving(ctx: Context, found: MovingRelease) -> MovingReleaseResponse:
    return MovingReleaseResponse(
        release=release_response(ctx, found.release),
        state=found.state,
        files=len(found.release.items),
        done=found.done,
        served=found.served,
        waits_for=found.waits_for,
        block=HoldResponse.model_validate(found.block) if found.block else None,
    )


def _import(found: ImportSummary) -> WaitingImportResponse:
    row = found.row
    return WaitingImportResponse(
        id=row.id, state=found.shown_state, file_name=row.file_name, dag_ids=row.dag_ids
    )
