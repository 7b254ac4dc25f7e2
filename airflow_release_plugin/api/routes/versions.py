"""Versions for machines that lack them. Answers never change, so that they can be kept for ever."""

from __future__ import annotations

import base64
import gzip
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from airflow_release_plugin.api.dependencies import CallerDep, RangesQuery
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.schemas.version import FollowBody, HeadResponse, VersionResponse
from airflow_release_plugin.services.promotion import delivery
from airflow_release_plugin.store.wire import MEDIA_TYPE

router = APIRouter(prefix="/versions", tags=["Versions"])

_IMMUTABLE = "private, max-age=31536000, immutable"
_LEVEL = 1


def _kept(etag: str) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "Cache-Control": _IMMUTABLE, "Vary": "Authorization, Accept-Encoding"}


@router.get("/head")
def get_head(environment: str, caller: CallerDep) -> HeadResponse:
    """Which version an environment is at."""
    with caller.transaction() as (ctx, actor):
        version = delivery.head(ctx, actor=actor, environment=environment)
        return HeadResponse(environment=environment, version=version)


@router.post("/head")
def follow(body: FollowBody, caller: CallerDep) -> HeadResponse:
    """Which version an environment is at, for a machine that serves it; health names silent ones."""
    sign = MachineSign(body.host, body.serves, body.pause)
    with caller.transaction() as (ctx, actor):
        version = delivery.follow(ctx, actor=actor, environment=body.environment, sign=sign)
        return HeadResponse(environment=body.environment, version=version)


@router.get("/{version}", response_model=VersionResponse, responses={304: {"description": "As you have it"}})
def get_version(
    version: str,
    caller: CallerDep,
    if_none_match: Annotated[str, Header()] = "",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """The commit and the files of a version that is, or was, released."""
    headers = _kept(version)
    with caller.transaction() as (ctx, actor):
        if headers["ETag"] in if_none_match:
            delivery.confirm_version(ctx, actor=actor, commit=version)
            return Response(status_code=304, headers=headers)
        found = delivery.get_version(ctx, actor=actor, commit=version)
    body = VersionResponse(
        commit=base64.b64encode(found.commit).decode(),
        files=[(file.path, file.mode, file.blob, file.size) for file in found.files],
    )
    content = body.model_dump_json().encode()
    if "gzip" in accept_encoding:
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, _LEVEL)
    return Response(content, media_type="application/json", headers=headers)


@router.get(
    "/{version}/blobs",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "Blobs in a row, each compressed"}},
)
def get_blobs(version: str, caller: CallerDep, ranges: RangesQuery = "") -> StreamingResponse:
    """Content of the blobs in ``ranges`` (such as ``0-12,17``, in the order of their ids), or of all."""
    with caller.transaction() as (ctx, actor):
        blobs = delivery.stream_blobs(ctx, actor=actor, commit=version, ranges=ranges)
    headers = _kept(f"{version}:{ranges or 'all'}")
    return StreamingResponse(blobs, media_type=MEDIA_TYPE, headers=headers)
