from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, blob_id
from airflow_release_plugin.store.wire import END, blobs_in, distinct_blobs, frame
from tests.harness.repetitions import repeat_quickly
from tests.unit.client.server import Answer, ReleaseServer, Request, connection_to, running_server

Files = Mapping[str, bytes]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    repeat_quickly(monkeypatch)
    with running_server() as running, connection_to(running):
        yield running


def entry(path: str, data: bytes) -> FileEntry:
    mode = EXECUTABLE if path.endswith(".sh") else REGULAR
    return FileEntry(path, mode, blob_id(data), len(data))


def serve_trees(
    server: ReleaseServer,
    changed: Files,
    *,
    target: Files | None = None,
    deleted: tuple[str, ...] = (),
    snapshots: Mapping[str, Files] | None = None,
) -> None:
    """Let the server have the trees of release 7, and their bytes."""
    trees = {"target": target or {}, "changed": changed}
    blobs = {
        blob_id(data): data
        for files in (*trees.values(), *(snapshots or {}).values())
        for data in files.values()
    }
    body: dict[str, Any] = {name: _rows(files) for name, files in trees.items()}
    body["deleted"] = list(deleted)
    body["snapshots"] = {name: _rows(files) for name, files in (snapshots or {}).items()}

    def row_of_blobs(request: Request) -> Answer:
        ranges = parse_qs(urlsplit(request.path).query)["ranges"][0]
        wanted = blobs_in(distinct_blobs(blobs), ranges)
        return Answer(content=b"".join(frame(blob, zlib.compress(blobs[blob])) for blob in wanted) + END)

    server.script("GET", "/releases/7/trees", body)
    server.script("GET", "/releases/7/blobs", row_of_blobs)


def _rows(files: Files) -> list[tuple[str, int, str, int]]:
    return [(file.path, file.mode, file.blob, file.size) for file in (entry(*each) for each in files.items())]
