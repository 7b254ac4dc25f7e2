"""A tree of files that is a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_release_plugin.analysis.source_files import AnalysisCache, TreeFiles
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, blob_id


class MappingFiles(TreeFiles):
    """Files held in memory: ``{path: bytes}``."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        *,
        executable: frozenset[str] = frozenset(),
        cache: AnalysisCache | None = None,
    ) -> None:
        blobs = {blob_id(data): data for data in files.values()}
        entries = {
            path: FileEntry(path, EXECUTABLE if path in executable else REGULAR, blob_id(data), len(data))
            for path, data in files.items()
        }
        super().__init__(entries, blobs.__getitem__, cache=cache)
