"""Imports: bundle files of other installations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from airflow_release_plugin.api import chunked_upload
from airflow_release_plugin.api.chunked_upload import Part
from airflow_release_plugin.api.dependencies import Caller, CallerDep, IdPath, LimitQuery, OffsetQuery
from airflow_release_plugin.api.routes.exports import MEDIA_TYPE
from airflow_release_plugin.api.serializers.imports import import_response
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.imports import (
    ImportApplyBody,
    ImportBody,
    ImportCheckBody,
    ImportResponse,
    ImportStubResponse,
    ImportStubsBody,
)
from airflow_release_plugin.services.imports import applying, endings, imports, placeholders, preflight

router = APIRouter(prefix="/imports", tags=["Imports"])

_FILE = "application/octet-stream"


@router.post("", status_code=201)
def begin(body: ImportBody, caller: CallerDep) -> ImportResponse:
    """Announce a bundle file, or find the upload of the same file that broke off."""
    with caller.transaction() as (ctx, actor):
        row = imports.begin(
            ctx, actor=actor, file_name=body.file_name, file_size=body.file_size, sha256=body.sha256
        )
        return import_response(ctx, row)


@router.put(
    "/{import_id}/content",
    openapi_extra={
        "requestBody": {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
def send(
    import_id: IdPath,
    request: Request,
    caller: CallerDep,
    content_range: Annotated[str, Header(alias="Content-Range")] = "",
    content_length: Annotated[str, Header(alias="Content-Length", include_in_schema=False)] = "",
) -> ImportResponse:
    """
    Send the next part of the file, at most 16 MiB, with a Content-Range from byte ``received`` on.

    With its last part the file is looked at: its signature, its limits, and every byte of its content. What
    is refused then leaves nothing behind. If that was interrupted, a request without a body does it again.
    """
    part = chunked_upload.announced(content_range, content_length)
    if part.size:
        answer = _append(request, import_id, part, caller)
        if answer.received < answer.file_size:
            return answer
    with caller.transaction() as (ctx, actor):
        row = imports.complete(ctx, actor=actor, import_id=import_id)
        answer = import_response(ctx, row)
    imports.require_accepted(row)
    return answer


def _append(request: Request, import_id: int, part: Part, caller: Caller) -> ImportResponse:
    with caller.transaction() as (ctx, actor):
        imports.expect(
            ctx, actor=actor, import_id=import_id, offset=part.offset, size=part.size, total=part.total
        )
    with (
        chunked_upload.received(request, part) as spool,
        caller.transaction() as (ctx, actor),
    ):
        row = imports.append(
            ctx, actor=actor, import_id=import_id, offset=part.offset, chunks=chunked_upload.chunks(spool)
        )
        return import_response(ctx, row)


@router.get("")
def list_imports(
    caller: CallerDep, limit: LimitQuery = 50, offset: OffsetQuery = 0
) -> Collection[ImportResponse]:
    """Imports that hold a DAG which the caller may read, or all for admins; newest first."""
    with caller.transaction() as (ctx, actor):
        page = imports.list_imports(ctx, actor=actor, limit=limit, offset=offset)
        items = [import_response(ctx, row) for row in page.items]
        return listed(page, items)


@router.get("/{import_id}")
def get_import(import_id: IdPath, caller: CallerDep) -> ImportResponse:
    """How far an import is, and what its preflight found."""
    with caller.transaction() as (ctx, actor):
        return import_response(ctx, imports.get(ctx, actor=actor, import_id=import_id))


@router.get("/{import_id}/contents")
def contents(import_id: IdPath, caller: CallerDep) -> Manifest:
    """What the bundle says about itself: DAGs, files, what they need, who agreed."""
    with caller.transaction() as (ctx, actor):
        return imports.contents(ctx, actor=actor, import_id=import_id)


@router.get(
    "/{import_id}/file",
    response_class=Response,
    responses={200: {"content": {_FILE: {}}, "description": "The bytes of the file"}},
)
def read_file(
    import_id: IdPath, caller: CallerDep, path: Annotated[str, Query(max_length=1000)] = ""
) -> Response:
    """One file of the bundle."""
    with caller.transaction() as (ctx, actor):
        data = imports.read_file(ctx, actor=actor, import_id=import_id, path=path)
    # Nobody has approved it: a browser must not show it as a page of ours.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return Response(data, media_type=_FILE, headers=headers)


@router.post("/{import_id}/preflight")
def check(import_id: IdPath, body: ImportCheckBody, caller: CallerDep) -> ImportResponse:
    """Look at everything that may keep the bundle from being applied; the answer has the rows."""
    with caller.transaction() as (ctx, actor):
        row = preflight.check(
            ctx,
            actor=actor,
            import_id=import_id,
            folder=body.folder,
            names=body.table(),
            take_over=body.take_over,
        )
        return import_response(ctx, row)


@router.post("/{import_id}/placeholders")
def make_placeholders(
    import_id: IdPath, body: ImportStubsBody, caller: CallerDep
) -> list[ImportStubResponse]:
    """Make placeholders, without secrets, for what the bundle needs and nobody has made here."""
    with caller.transaction() as (ctx, actor):
        made = placeholders.create(ctx, actor=actor, import_id=import_id, **body.model_dump())
        return [ImportStubResponse.model_validate(placeholder) for placeholder in made]


@router.post("/{import_id}/apply")
def apply(import_id: IdPath, body: ImportApplyBody, caller: CallerDep) -> ImportResponse:
    """Ask for a checked import to be applied, once its preflight has run again; a server does it then."""
    release_request = ReleaseRequest(
        title=body.title,
        reviewers=body.reviewers,
        description=body.description,
        run_after_release=body.run_after_release,
        scheduled_at=body.scheduled_at,
        at_least_level=body.at_least_level,
        soak_minutes=body.soak_minutes,
    )
    with caller.transaction() as (ctx, actor):
        row = applying.request(
            ctx, actor=actor, import_id=import_id, mode=body.mode, release_request=release_request
        )
        return import_response(ctx, row)


@router.delete("/{import_id}")
def discard(import_id: IdPath, caller: CallerDep) -> ImportResponse:
    """Give up an upload, or a bundle that was not applied."""
    with caller.transaction() as (ctx, actor):
        return import_response(ctx, endings.discard(ctx, actor=actor, import_id=import_id))
