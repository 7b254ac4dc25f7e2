"""What tasks of dev runs read of the source, and which run tried exactly the files of a version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

READS_KEY = "airflow_release_reads"
"""XCom of a task of a dev copy, in which it says what it read."""
MAX_FILES = 500
"""So many files of one task are told."""
_BLOB = re.compile(r"[0-9a-f]{40}")
_SUCCESS = "success"
_ENDED = frozenset({_SUCCESS, "failed"})


@dataclass(frozen=True)
class TaskReads:
    """
    What one task instance read below the folder of the source, its DAG file among it.

    :param files: git blob id by POSIX path; empty where the bytes are not known: they changed while the task
        ran, or are more than a unit may hold
    :param is_whole: whether that is all; not so for more than :data:`MAX_FILES`
    """

    task_id: str
    files: Mapping[str, str]
    is_whole: bool = True

    def to_value(self) -> dict[str, Any]:
        """As JSON values, for the XCom."""
        return {"files": dict(sorted(self.files.items())), "is_whole": self.is_whole}

    @classmethod
    def from_value(cls, task_id: str, value: Any) -> TaskReads | None:
        """What an XCom says; ``None`` for one that says something else: any task can write any XCom."""
        if not isinstance(value, dict) or not isinstance(files := value.get("files"), dict):
            return None
        if len(files) > MAX_FILES:
            return None
        read = {str(path): blob if _BLOB.fullmatch(str(blob)) else "" for path, blob in files.items()}
        return cls(task_id, read, is_whole=value.get("is_whole") is True)

    def with_earlier(self, earlier: TaskReads) -> TaskReads:
        """Both together: of a task that waited without a worker in between."""
        return TaskReads(
            self.task_id, merged((earlier.files, self.files)), self.is_whole and earlier.is_whole
        )


@dataclass(frozen=True)
class DevRun:
    """
    One run of a dev copy.

    :param dag_id: of the dev copy, with its prefix
    :param state: as Airflow names it
    :param began: when it began, or was to begin
    :param ended: ``None`` while it runs
    :param tasks: what its tasks read, of those that told
    :param silent: how many of its tasks ran and told nothing
    """

    dag_id: str
    run_id: str
    state: str
    began: datetime
    ended: datetime | None
    tasks: tuple[TaskReads, ...] = ()
    silent: int = 0

    @property
    def is_success(self) -> bool:
        """Whether it ended well."""
        return self.state == _SUCCESS

    @property
    def files(self) -> dict[str, str]:
        """What all of its tasks read; an empty blob where they did not read the same bytes."""
        return merged(task.files for task in self.tasks)

    def tried(self, dag_file: str, files: Mapping[str, str]) -> bool:
        """
        Whether it has ended, and read nothing of the source that is not in ``files`` with the same bytes.

        A run that was not wholly observed says nothing, nor does one whose DAG file nobody read.

        :param files: git blob ids by path
        """
        read = self.files
        return (
            self.state in _ENDED
            and not self.silent
            and all(task.is_whole for task in self.tasks)
            and dag_file in read
            and all(blob and files.get(path) == blob for path, blob in read.items())
        )


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Blob ids by path; empty where two parts do not agree."""
    found: dict[str, str] = {}
    for part in parts:
        for path, blob in part.items():
            found[path] = blob if found.get(path, blob) == blob else ""
    return found
