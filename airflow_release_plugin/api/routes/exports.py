"""Exports: bundle files that other installations import."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from airflow_release_plugin.api.byte_ranges import wanted_range
from airflow_release_plugin.api.dependencies import CallerDep, IdPath, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.common import export_response
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.export import ExportBody, ExportResponse, MatchResponse
from airflow_release_plugin.services.exports import exports

router = APIRouter(prefix="/exports", tags=["Exports"])

MEDIA_TYPE = "application/vnd.airflow-release.bundle+zip"


@router.post("/match")
def match(body: ExportBody, caller: CallerDep) -> MatchResponse:
    """What would be exported, and which names are not found; nothing is made."""
    with caller.transaction() as (ctx, actor):
        return MatchResponse.model_validate(
            exports.match(ctx, actor=actor, export_request=body.export_request())
        )


@router.post("", status_code=201)
def request_export(body: ExportBody, caller: CallerDep) -> ExportResponse:
    """Ask for a bundle; a server makes it in the background."""
    with caller.transaction() as (ctx, actor):
        return export_response(ctx, exports.request(ctx, actor=actor, export_request=body.export_request()))


@router.get("")
def list_exports(
    caller: CallerDep, limit: LimitQuery = 50, offset: OffsetQuery = 0
) -> Collection[ExportResponse]:
    """The caller's exports, or everybody's for admins and service users; newest first."""
    with caller.transaction() as (ctx, actor):
        page = exports.list_exports(ctx, actor=actor, limit=limit, offset=offset)
        items = [export_response(ctx, row) for row in page.items]
        return listed(page, items)


@router.get("/{export_id}")
def get_export(export_id: IdPath, caller: CallerDep) -> ExportResponse:
    """How far an export is, and what it holds."""
    with caller.transaction() as (ctx, actor):
        return export_response(ctx, exports.get(ctx, actor=actor, export_id=export_id))


@router.get(
    "/{export_id}/file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {}}, "description": "The whole file; its ETag is its SHA-256"},
        206: {"content": {MEDIA_TYPE: {}}, "description": "The part that the Range header asks for"},
        416: {"description": "There is no such part"},
    },
)
def download(
    export_id: IdPath,
    caller: CallerDep,
    byte_range: Annotated[str, Header(alias="Range")] = "",
    if_range: Annotated[str, Header(alias="If-Range", include_in_schema=False)] = "",
) -> Response:
    """The bundle file, whole or in part."""
    resumed = bool(byte_range) and not byte_range.replace(" ", "").startswith("bytes=0-")
    with caller.transaction() as (ctx, actor):
        file = exports.fetch(ctx, actor=actor, export_id=export_id, resumed=resumed)
    etag = f'"{file.sha256}"'
    part = wanted_range(byte_range if if_range in {"", etag} else "", file.size)
    if part is None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.end - part.start),
        "Content-Disposition": f'attachment; filename="{file.name}"',
    }
    if not part.is_whole:
        headers["Content-Range"] = part.header
    return StreamingResponse(
        file.read(part.start, part.end),
        status_code=200 if part.is_whole else 206,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


@router.post("/{export_id}/retry")
def retry(export_id: IdPath, caller: CallerDep) -> ExportResponse:
    """Have a bundle made again that errored."""
    with caller.transaction() as (ctx, actor):
        return export_response(ctx, exports.retry(ctx, actor=actor, export_id=export_id))


@router.delete("/{export_id}")
def discard(export_id: IdPath, caller: CallerDep) -> ExportResponse:
    """Stop making a bundle, or give up its file."""
    with caller.transaction() as (ctx, actor):
        return export_response(ctx, exports.discard(ctx, actor=actor, export_id=export_id))
