"""The trees that a check looks into, as folders on the worker: the target, the candidate, the source then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.bundles.http_objects import HttpObjects
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.proof.proving import Trees
from airflow_release_plugin.schemas.work import WorkTreesResponse
from airflow_release_plugin.store.serving import ServedTrees
from airflow_release_plugin.store.wire import distinct_blobs

if TYPE_CHECKING:
    from airflow_release_plugin.client.settings import ClientSettings


class WorkTrees:
    """
    Lists of files, and folders made of them on demand. They share their files, which are read-only; each
    blob is fetched once, and checked against its id.

    :param settings: where the server is and who we are
    :param folder: where the folders are made; whoever made it removes it
    """

    def __init__(self, settings: ClientSettings, release_id: int, folder: Path) -> None:
        self._server = HttpObjects(settings)
        self._path = f"/releases/{release_id}"
        answer = self._server.ask(f"{self._path}/trees", {}, WorkTreesResponse.model_validate_json)
        target, changed = _by_path(answer.target), _by_path(answer.changed)
        candidate = {**target, **changed}
        for path in answer.deleted:
            candidate.pop(path, None)
        snapshots = {tree: _by_path(rows) for tree, rows in answer.snapshots.items()}
        self.lists = Trees(target, candidate, snapshots)
        every = (target, changed, *snapshots.values())
        self._sizes = {file.blob: file.size for tree in every for file in tree.values()}
        self._blobs = distinct_blobs(self._sizes)
        self._folder = folder
        self._made = ServedTrees(folder / "shared")

    def build(self, name: str, files: Mapping[str, FileEntry]) -> Path:
        """Make a folder of ``files``, all of which are in one of the trees; ``name`` is new."""
        place = self._folder / name
        with self._made.locked():
            self._made.place(place, dict(sorted(files.items())), self._read, previous=None)
        return place

    def _read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = {blob: self._sizes[blob] for blob in blobs}
        return self._server.blobs(f"{self._path}/blobs", self._blobs, wanted)


def _by_path(rows: Iterable[tuple[str, int, str, int]]) -> dict[str, FileEntry]:
    return {row[0]: FileEntry(*row) for row in rows}
