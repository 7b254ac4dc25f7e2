"""Rollbacks and retirements: what to go back to, what that would do, and the request for it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.schemas.common import Moment, Name, RequestModel, ResponseModel, RowId

SourcePath = Annotated[str, Field(min_length=1, max_length=1000)]


class RollbackScopeBody(RequestModel):
    """
    What to go back to; exactly one of these.

    ``dag_id`` with ``version``: one DAG. ``release_id``: what that release changed. ``moment`` or
    ``after_release_id``: the whole environment. ``retire``: DAGs that leave the target. ``include`` and
    ``keep`` decide about shared files that others need: DAG files that go back too, files that stay.
    """

    dag_id: Name | None = None
    version: RowId | None = None
    release_id: RowId | None = None
    moment: Moment | None = None
    after_release_id: RowId | None = None
    retire: list[Name] = Field(default=[], max_length=100)
    include: list[SourcePath] = Field(default=[], max_length=1000)
    keep: list[SourcePath] = Field(default=[], max_length=1000)


class RollbackBody(RollbackScopeBody):
    """Ask for it. ``digest`` is that of the plan that was looked at; without a title the plan's is taken."""

    digest: str = Field(min_length=64, max_length=64)
    reviewers: list[Name] = Field(min_length=1, max_length=50)
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=10000)
    run_after_release: bool = False
    scheduled_at: Moment | None = None
    at_least_level: int = Field(default=1, ge=1, le=10)


class RollbackRowResponse(ResponseModel):
    """One DAG file: the version that the target holds, and the one that comes back; null for none."""

    path: str
    dag_ids: list[str]
    change: ChangeKind
    present_version: int | None
    restored_version: int | None


class RollbackFileResponse(ResponseModel):
    """One file that would change."""

    path: str
    change: ChangeKind


class OvertakenResponse(ResponseModel):
    """A DAG file that was released again since, and stays as it is."""

    path: str
    dag_ids: list[str]
    version: int
    release_id: int | None


class ContestedUserResponse(ResponseModel):
    """A released DAG file that needs the present content; ``include`` it, where that is possible."""

    path: str
    dag_ids: list[str]
    version: int
    can_include: bool


class ContestedFileResponse(ResponseModel):
    """A file that others were released with; it blocks until it is settled, by ``keep`` or ``include``."""

    path: str
    users: list[ContestedUserResponse]
    is_settled: bool


class RollbackPlanResponse(ResponseModel):
    """Exactly what a rollback would do. Requesting it takes the ``digest``."""

    kind: ReleaseKind
    title: str
    digest: str
    base_commit: str | None
    rows: list[RollbackRowResponse]
    files: list[RollbackFileResponse]
    overtaken: list[OvertakenResponse]
    shared: list[ContestedFileResponse]
    busy: list[str]
    flow: str
    reviewers: list[str]
    problem: str
