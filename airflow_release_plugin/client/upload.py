"""How a file gets to the server in parts, and goes on where it was when something broke on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import IO, Protocol, TypeAlias

from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ConflictError, error_for_code
from airflow_release_plugin.schemas.imports import ImportBody, ImportResponse

Progress: TypeAlias = Callable[[int, int], None]
PART = 8 * 1024 * 1024
"""Bytes of a part: memory that an upload needs."""
_CHUNK = 1 << 20


class Sender(Protocol):
    """What an upload needs of a client."""

    def begin_import(self, body: ImportBody) -> ImportResponse: ...

    def send_part(self, import_id: int, part: bytes, *, first: int, total: int) -> ImportResponse: ...

    def get_import(self, import_id: int) -> ImportResponse: ...


def upload(
    client: Sender, file: IO[bytes], name: str, *, progress: Progress | None = None, part_size: int = PART
) -> ImportResponse:
    """See :meth:`airflow_release_plugin.client.release.ReleaseClient.upload_import`."""
    sha256, size = _measure(file)
    row = client.begin_import(ImportBody(file_name=name, file_size=size, sha256=sha256))
    while row.state is ImportState.UPLOADING:
        _tell(progress, row)
        file.seek(row.received)
        row = _send(client, row, file.read(part_size))
    if row.state in {ImportState.FAILED, ImportState.DISCARDED}:
        kind = error_for_code(row.error_code) if row.error_code else ConflictError
        raise kind("%(error)s", error=row.error, import_id=row.id)
    _tell(progress, row)
    return row


def _send(client: Sender, row: ImportResponse, part: bytes) -> ImportResponse:
    try:
        return client.send_part(row.id, part, first=row.received, total=row.file_size)
    except ConflictError:
        # Sent twice because the first answer got lost: the server knows how far it is.
        now = client.get_import(row.id)
        if (now.state, now.received) == (row.state, row.received):
            raise
        return now


def _tell(progress: Progress | None, row: ImportResponse) -> None:
    if progress is not None:
        progress(row.received, row.file_size)


def _measure(file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
