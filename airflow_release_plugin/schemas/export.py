"""Exports."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest, read_names
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.schemas.common import PersonResponse, RequestModel, ResponseModel, RowId


class ExportBody(RequestModel):
    """
    What to export; names, tag and releases add up.

    With ``base_bundle_id``, only what has changed since that bundle, and without any choice all of that.
    """

    names: list[Annotated[str, Field(max_length=1000)]] = Field(default=[], max_length=2000)
    tag: str = Field(default="", max_length=100)
    release_ids: list[RowId] = Field(default=[], max_length=100)
    base_bundle_id: str = Field(default="", max_length=36)
    origin: ExportOrigin = ExportOrigin.TARGET
    with_upstream: bool = False

    def export_request(self) -> ExportRequest:
        """The same for use cases. Raises ``InvalidRequestError`` for too many names."""
        return ExportRequest(
            names=read_names(self.names),
            tag=self.tag,
            release_ids=tuple(self.release_ids),
            base_bundle_id=self.base_bundle_id,
            origin=self.origin,
            with_upstream=self.with_upstream,
        )


class FoundDagResponse(ResponseModel):
    """A DAG that would be exported; ``added`` where only others need it."""

    dag_id: str
    path: str
    added: bool


class UnknownNameResponse(ResponseModel):
    """A name that is not found, or not the caller's to export, with names that are spelled alike."""

    name: str
    near: list[str]


class MatchResponse(ResponseModel):
    """What a export_request comes to."""

    found: list[FoundDagResponse]
    not_found: list[UnknownNameResponse]
    left_out: list[str]


class LikelySecretResponse(ResponseModel):
    """A line of a file that a person should look at before the bundle leaves."""

    path: str
    line: int
    kind: str


class ExportResponse(ResponseModel):
    """
    An export. File, size and hash are there when it is ready, for three days.

    :param secrets: lines that look like a secret
    :param left_out: DAGs that others need and that the requester may not export
    :param removed: DAGs that an incremental bundle takes away
    """

    id: int
    state: ExportState
    bundle_id: str
    base_bundle_id: str | None
    origin: ExportOrigin
    names: list[str]
    dag_ids: list[str]
    removed: list[str]
    left_out: list[str]
    secrets: list[LikelySecretResponse]
    done: int
    total: int
    error: str
    file_name: str
    file_size: int | None
    file_sha256: str | None
    requested_by: PersonResponse
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    downloads: int
