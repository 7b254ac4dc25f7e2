"""Changed files as a tree: by their folders, in the order of their paths."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.services.read_models.release_changes import FileToReview


def by_folder(files: Iterable[FileToReview]) -> dict[str, list[FileToReview]]:
    """Files by the path of their folder, which ends in a slash; those at the top first, under ``""``."""
    folders: dict[str, list[FileToReview]] = {"": []}
    for file in files:
        folder, slash, _name = file.path.rpartition("/")
        folders.setdefault(folder + slash, []).append(file)
    return {folder: members for folder, members in folders.items() if members}
