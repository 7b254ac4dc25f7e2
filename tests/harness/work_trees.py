"""The trees of a check, as a worker puts them together."""

from __future__ import annotations

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import work
from tests.harness.context import PIPELINE, World


def candidate_files(world: World, release: Release) -> list[FileEntry]:
    """All files of the tree that the target would have, sorted by path."""
    lists = work.work_trees(world.ctx, actor=PIPELINE, release_id=release.id)
    files = {file.path: file for file in lists.target}
    for change in lists.changes:
        files.pop(change.path, None)
        if change.entry is not None:
            files[change.path] = change.entry
    return [files[path] for path in sorted(files)]
