"""What the pipeline of a release asks for and says: the work, the trees, progress and reports."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from airflow_release_plugin.domain.release.checks import CheckItem, ReportKind
from airflow_release_plugin.domain.release.progress import REPORTED_STATES, ItemState
from airflow_release_plugin.messages import MessageField
from airflow_release_plugin.schemas.common import RequestModel, ResponseModel, RowId

MAX_DETAIL = 20000
MAX_LINES, MAX_LINE = 20, 1000
"""Lines of a log that travel with a file's progress, and characters in one."""
_LONGEST = {"name": 200, "path": 1000, "detail": MAX_DETAIL}
"""Characters in the texts of a check item."""


def _reportable(item: CheckItem) -> CheckItem:
    for name, most in _LONGEST.items():
        if len(getattr(item, name)) > most:
            raise ValueError(f"{name} has more than {most} characters")
    if item.is_pending:
        raise ValueError("a report says passed, warning or failed; send it when the answer is there")
    return item


class JoinedFileBody(RequestModel):
    """A file of the snapshot that a version turned out to need; ``reason`` says where it was opened."""

    submission_id: RowId
    path: str = Field(min_length=1, max_length=1000)
    reason: MessageField = Field(max_length=500)


class ReportBody(RequestModel):
    """
    What a step of the pipeline found out.

    ``base_commit`` is what the tree was built on; ``joined`` are files that running the versions found to
    belong to them.
    """

    kind: ReportKind
    attempt: RowId
    base_commit: str | None = Field(default=None, max_length=40)
    items: list[Annotated[CheckItem, AfterValidator(_reportable)]] = Field(max_length=5000)
    joined: list[JoinedFileBody] = Field(default_factory=list, max_length=5000)
    request_approval: bool = True


class FileProgressBody(RequestModel):
    """
    How far the check of one file is: ``checking``, ``checked`` or ``failed`` with the reason.

    ``seconds`` is how long it took, ``lines`` what was logged meanwhile.
    """

    path: str = Field(max_length=1000)
    state: ItemState
    detail: MessageField = Field(default="", max_length=1000)
    seconds: float = Field(default=0.0, ge=0)
    lines: list[Annotated[str, Field(max_length=MAX_LINE)]] = Field(
        default_factory=list, max_length=MAX_LINES
    )

    @field_validator("state")
    @classmethod
    def _of_a_check(cls, state: ItemState) -> ItemState:
        if state not in REPORTED_STATES:
            raise ValueError(f"a check reports {', '.join(sorted(each.value for each in REPORTED_STATES))}")
        return state


class ProgressBody(RequestModel):
    """Files whose state changed since the last time."""

    attempt: RowId
    files: list[FileProgressBody] = Field(max_length=5000)


class ProgressResponse(ResponseModel):
    """How many items of the release the step under way is through with."""

    done: int
    total: int


class LastRunResponse(ResponseModel):
    """The automated run of a DAG from which the scheduler goes on; empty where there is no such thing."""

    run_after: str
    interval_start: str
    interval_end: str
    partition_key: str
    partition_date: str


class WorkUnitResponse(ResponseModel):
    """
    One version that puts files into the target.

    ``snapshot`` names the source's tree when it was submitted, or that of the bundle that brought it; null
    for what has neither. ``files`` are the paths that it consists of so far.
    """

    submission_id: int
    path: str
    snapshot: str | None
    files: list[str]
    is_imported: bool = False


class WorkResponse(ResponseModel):
    """
    What a worker needs in order to check a release; the files themselves come from ``/trees``.

    ``served`` has the ids of DAGs by DAG file that the target holds.
    """

    release_id: int
    attempt: int
    environment: str
    base_commit: str | None
    change_digest: str
    units: list[WorkUnitResponse]
    dag_files: list[str]
    served: dict[str, list[str]] = Field(default_factory=dict)
    deleted: list[str]
    timeout: int
    start_timeout: int
    file_timeout: int
    memory_mb: int
    require_confinement: bool
    last_runs: dict[str, LastRunResponse | None]


FileRow = tuple[str, int, str, int]
"""Path, mode, blob, size."""


class WorkTreesResponse(ResponseModel):
    """
    The trees that the check of a release looks into; their bytes come from ``/blobs``.

    ``changed`` is what the release writes, ``deleted`` what it removes; ``snapshots`` has the source by tree
    id. Rows are ``[path, mode, blob, size]``.
    """

    target: list[FileRow]
    changed: list[FileRow]
    deleted: list[str]
    snapshots: dict[str, list[FileRow]]
