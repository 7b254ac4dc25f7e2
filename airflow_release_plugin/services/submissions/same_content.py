"""Whether a version holds what its unit is in the source now."""

from __future__ import annotations

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories.held_versions import HeldVersion


def is_same(version: Submission | HeldVersion, closure: Closure, files: FolderFiles) -> bool:
    """
    Whether nothing of a version has changed, the files that were found by running it included.

    :param closure: of its DAG file now
    :param files: the source now
    """
    if version.digest == closure.digest:
        return True
    known = {file.path for file in closure.files}
    observed = [path for path in version.observed_paths if path not in known]
    if not observed:
        return False
    try:
        now = [files.entry(path) for path in observed]
    except UnitError:
        return False
    return files_digest((*closure.entries, *now)) == version.digest
