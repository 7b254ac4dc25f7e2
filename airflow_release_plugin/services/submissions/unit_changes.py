"""What a version of one unit would change in the target as it is now; nothing is asked of the database."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Unit
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions.file_diffs import FilePair, differing


def changes_of(workspace: SourceWorkspace, unit: Unit | None, entries: Iterable[FileEntry]) -> list[FilePair]:
    """
    The files that differ, by path, those among them that nothing in the target would need any more.

    :param entries: files of the version; none for one that removes the unit
    """
    new = {entry.path: entry for entry in entries}
    live = workspace.live.get(unit.id) if unit else None
    dropped = {entry.path for entry in live.entries} - new.keys() if live else set()
    paths = {*new, *(path for path in dropped if not workspace.others_need(path, unit))}
    return differing({path: workspace.target[path] for path in paths if path in workspace.target}, new)
