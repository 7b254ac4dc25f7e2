"""Imports."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.bundle.name_table import NameTable, name_table
from airflow_release_plugin.domain.bundle.preflight import Reason, Severity
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.schemas.common import Moment, Name, PersonResponse, RequestModel, ResponseModel

MAX_PART = 16 * 1024 * 1024
"""Most bytes of a file that one request brings."""


class ImportBody(RequestModel):
    """
    A bundle file that is about to be sent.

    With its SHA-256, an upload of the same file that broke off is gone on with.
    """

    file_name: str = Field(max_length=1000)
    file_size: int = Field(ge=0, le=2**53)
    sha256: str = Field(default="", max_length=64)


class ImportCheckBody(RequestModel):
    """
    How a bundle is to come here.

    :param folder: where DAG files go that were never here
    :param names: what things are called here, ``{"connection": {"there": "here"}, …}``; those of the last
        import from there if left out
    :param take_over: whether DAGs that were made here may become those of the bundle
    """

    folder: str = Field(default="", max_length=1000)
    names: dict[str, dict[str, str]] | None = None
    take_over: bool = False

    def table(self) -> NameTable | None:
        """The names for use cases. Raises ``InvalidRequestError`` for what is none."""
        return None if self.names is None else name_table(self.names)


class ImportApplyBody(RequestModel):
    """
    What becomes of the versions that the bundle brings; for ``release`` also of which release.

    :param title: made from the names of the DAGs if left out
    :param reviewers: ids or login names, never one's own
    """

    mode: ImportMode = ImportMode.SUBMIT
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=10000)
    reviewers: list[Name] = Field(default=[], max_length=50)
    run_after_release: bool = False
    scheduled_at: Moment | None = None
    at_least_level: int = Field(default=1, ge=1, le=10)
    soak_minutes: int = Field(default=0, ge=0, le=10080)


class ImportStubsBody(RequestModel):
    """Placeholders to make, by the names that the bundle has."""

    connections: list[Name] = Field(default=[], max_length=2000)
    variables: list[Name] = Field(default=[], max_length=2000)
    pools: list[Name] = Field(default=[], max_length=2000)


class ImportStubResponse(ResponseModel):
    """Something to be filled in: its name in the bundle, and its name here."""

    kind: Kind
    there: str
    here: str


class PreflightItemResponse(ResponseModel):
    """One thing that a reason is about, by its name in the bundle."""

    name: str
    detail: str
    dag_ids: list[str]


class PreflightRowResponse(ResponseModel):
    """Something that was found before anything is applied, and how much it weighs."""

    reason: Reason
    severity: Severity
    items: list[PreflightItemResponse]


class WaitingImportResponse(ResponseModel):
    """An import that nobody has applied or discarded. ``state`` is as pages name it."""

    id: int
    state: str
    file_name: str
    dag_ids: list[str]


class ImportResponse(ResponseModel):
    """
    An import. What the bundle says of itself is there when the file is whole and its signature is good.

    :param received: bytes that are here; the next part begins there
    :param signer: name of the trusted key
    :param error_code: what kind of error ``error`` is, where the file was refused
    :param folder: where DAG files go that were never here
    :param mapping: names there and here, by kind
    """

    id: int
    state: ImportState
    file_name: str
    file_size: int
    received: int
    file_sha256: str | None
    bundle_id: str | None
    source_uid: str | None
    signer: str
    dag_ids: list[str]
    expires_at: datetime | None
    folder: str
    mapping: dict[str, dict[str, str]]
    preflight: list[PreflightRowResponse]
    preflight_at: datetime | None
    mode: str
    release_id: int | None
    error: str
    error_code: str
    uploaded_by: PersonResponse
    uploaded_at: datetime
    applied_at: datetime | None
