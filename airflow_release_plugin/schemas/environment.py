"""Target environments and the records of what reached them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.drift import FindingKind
from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.domain.release.target_dags import ServingState
from airflow_release_plugin.schemas.common import (
    Moment,
    Name,
    PersonResponse,
    RequestModel,
    ResponseModel,
    RowId,
)


class TargetHoldBody(RequestModel):
    """Hold an environment; ``excepted`` are ids of releases that may go out all the same."""

    reason: str = Field(min_length=1, max_length=2000)
    ends_at: Moment | None = None
    excepted: list[RowId] = Field(default=[], max_length=100)


class TargetHoldResponse(ResponseModel):
    """Who holds an environment and why; ``ends_at`` is null until somebody lifts it."""

    reason: str
    held_by: PersonResponse
    held_at: datetime
    ends_at: datetime | None
    excepted: list[int]


class EnvironmentResponse(ResponseModel):
    """An environment; ``moved`` says that its branch is not where the product left it."""

    name: str
    commit: str | None
    recorded_commit: str | None
    moved: bool
    hold: TargetHoldResponse | None


class ServedDagResponse(ResponseModel):
    """A DAG that Airflow serves; ``digest`` is the SHA-256 of it as serialised, without where it lies."""

    dag_id: str
    path: str
    version: str
    digest: str


class ServedDagsResponse(ResponseModel):
    """What an environment serves; ``dag_files`` has DAG ids by path, ``errors`` those of imports by path."""

    environment: str
    version: str
    dag_files: dict[str, list[str]]
    dags: list[ServedDagResponse]
    errors: dict[str, str]


class ServedTextResponse(ResponseModel):
    """A DAG as Airflow serves it: JSON without where it lies."""

    text: str


class DagVersionResponse(ResponseModel):
    """One version of one DAG, newest first: a record (R15). ``state`` is that of the submission."""

    dag_id: str
    path: str
    version: int
    submission_id: int
    change: ChangeKind
    state: str
    in_target: bool
    submitted_by: PersonResponse
    submitted_at: datetime
    comment: str
    release_id: int | None
    release_number: str | None
    released_at: datetime | None
    commit: str | None


class TargetRunResponse(ResponseModel):
    """A run of a DAG, with its state as Airflow names it."""

    run_id: str
    state: str


class TargetDagResponse(ResponseModel):
    """
    One DAG that an environment holds now.

    ``released_by`` gave the last approval. ``tried_in_dev`` says whether a run of the dev copy with exactly
    these files succeeded; ``null`` where none could have. ``runs`` are the newest ones, the last one first;
    ``drift`` is what machines found of its files.
    """

    dag_id: str
    path: str
    version: int
    submission_id: int
    submitted_by: PersonResponse
    submitted_at: datetime
    comment: str
    release_id: int | None
    release_number: str | None
    release_title: str | None
    released_at: datetime | None
    released_by: PersonResponse | None
    commit: str | None
    tried_in_dev: bool | None
    state: ServingState
    runs: list[TargetRunResponse]
    drift: list[FindingKind]


class FindingResponse(ResponseModel):
    """One difference between what was approved and what runs; ``path`` is empty for those of no file."""

    kind: FindingKind
    place: str
    path: str
    detail: str


class HandMadeVersionResponse(ResponseModel):
    """One DAG file that needs what was changed by hand, and the version that adopting it would make."""

    path: str
    dag_ids: list[str]
    change: ChangeKind


class HandMadeFileResponse(ResponseModel):
    """One file that was changed by hand."""

    path: str
    change: ChangeKind
    lines_added: int
    lines_removed: int


class HandMadeResponse(ResponseModel):
    """
    Exactly what an adoption would take. Requesting it takes the ``digest``.

    ``found_commit`` is where the branch is; ``base_commit`` is where the last promotion left it.
    """

    host: str
    base_commit: str
    found_commit: str
    digest: str
    versions: list[HandMadeVersionResponse]
    files: list[HandMadeFileResponse]
    problems: list[str]
    busy: list[str]
    flow: str
    reviewers: list[str]
    problem: str


class AdoptDriftBody(RequestModel):
    """Ask for it. ``digest`` is that of the answer that was looked at."""

    digest: str = Field(min_length=64, max_length=64)
    reviewers: list[Name] = Field(min_length=1, max_length=50)
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=10000)


class MovedRefResponse(ResponseModel):
    """A branch or tag of the mirror that is not what was pushed; ``found`` is empty for one that is gone."""

    ref: str
    found: str
    ours: str


class MirrorResponse(ResponseModel):
    """
    How the mirror stands. ``url`` is without a password; ``problem`` is empty for those who are no admins.

    ``is_ordered`` says that what somebody else moved is about to be overwritten.
    """

    url: str
    state: MirrorState
    since: datetime | None
    looked_at: datetime | None
    next_at: datetime | None
    problem: str
    moved: list[MovedRefResponse]
    is_ordered: bool


class DriftResponse(ResponseModel):
    """What was found; ``host`` is the machine whose served trees were read."""

    host: str
    environment: str
    head: str | None
    trees: int
    findings: list[FindingResponse]
