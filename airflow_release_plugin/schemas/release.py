"""Releases: submissions that together go through one approval and are promoted as one commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.release.progress import ItemState
from airflow_release_plugin.domain.states import EmergencyState, ReleaseState
from airflow_release_plugin.languages import said, said_throughout
from airflow_release_plugin.messages import MessageField
from airflow_release_plugin.schemas.approval import ApprovalResponse
from airflow_release_plugin.schemas.common import (
    Moment,
    Name,
    PersonResponse,
    RequestModel,
    ResponseModel,
    RowId,
)
from airflow_release_plugin.schemas.evidence import ImportEvidenceResponse


class ReleaseBody(RequestModel):
    """Ask for a release of submitted versions. ``reviewers`` are ids or login names, never one's own."""

    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=10000)
    submission_ids: list[RowId] = Field(min_length=1, max_length=100)
    reviewers: list[Name] = Field(min_length=1, max_length=50)
    run_after_release: bool = False
    scheduled_at: Moment | None = None
    at_least_level: int = Field(default=1, ge=1, le=10)
    soak_minutes: int = Field(default=0, ge=0, le=10080)


class ReleaseItemResponse(ResponseModel):
    """One submission in a release."""

    submission_id: int
    path: str
    version: int
    change: ChangeKind
    dag_ids: list[str]
    submitted_by: PersonResponse


class ItemProgressResponse(ResponseModel):
    """
    How far one item is; ``detail`` says why it failed.

    While it is checked, ``seconds`` is how long it took and ``lines`` what was logged meanwhile.
    """

    path: str
    state: ItemState
    detail: str
    seconds: float
    lines: list[str]


def _told(item: CheckItem) -> CheckItem:
    """The same item for whoever asked: a body takes messages whole, an answer has plain text."""
    return replace(
        item,
        name=str(said(item.name)),
        detail=str(said(item.detail)),
        facts=said_throughout(dict(item.facts)),
    )


class ReportResponse(ResponseModel):
    """A stored report."""

    id: int
    kind: ReportKind
    attempt: int
    passed: bool
    base_commit: str | None
    reported_at: datetime
    reported_by: PersonResponse
    items: list[Annotated[CheckItem, AfterValidator(_told)]]


class RunResponse(ResponseModel):
    """One DAG run. ``state`` is Airflow's."""

    dag_id: str
    run_id: str
    state: str


class StartStatusResponse(RunResponse):
    """
    Start status of one DAG that was to run after the release.

    ``state`` is Airflow's, or ``waiting`` (the pipeline will start it), ``not_started`` (``problem`` says
    why) or ``missing`` (the run was deleted since). ``run_id`` is empty before there is a run.
    """

    problem: str = ""


class StartSummaryResponse(ResponseModel):
    """How the runs of a release stand, in numbers."""

    total: int
    succeeded: int
    failed: int
    under_way: int
    not_started: int
    deleted: int


class PipelineResponse(ResponseModel):
    """The DAG run that works on the release; ``problem`` says why it does not move, if it does not."""

    dag_id: str
    run_id: str
    state: str
    problem: str | None = None


class ReleaseResponse(ResponseModel):
    """A release in a list. ``state`` is the effective one: a function of what is stored and the time."""

    id: int
    number: str
    title: str
    kind: ReleaseKind
    state: ReleaseState
    environment: str
    requested_by: PersonResponse
    reviewers: list[PersonResponse]
    requested_at: datetime
    released_at: datetime | None
    released_by: PersonResponse | None
    dag_ids: list[str]
    item_count: int
    change_digest: str
    also_changes: list[str] = []
    attempt: int


class HoldResponse(ResponseModel):
    """What holds an approved release back; ``until`` is null when no end is in sight."""

    reason: str
    until: datetime | None


class EmergencyResponse(ResponseModel):
    """One time that the glass was broken, or was to be; ``confirm_until`` is null where one suffices."""

    id: int
    release_id: int
    state: EmergencyState
    reason: str
    asked_by: PersonResponse
    asked_at: datetime
    confirm_until: datetime | None
    confirmed_by: PersonResponse | None
    confirm_reason: str
    broken_at: datetime | None
    reviewed_by: PersonResponse | None
    reviewed_at: datetime | None
    review: str


class EmergencyItemResponse(EmergencyResponse):
    """Broken glass in a list, with its release and what the caller could do about it."""

    number: str
    title: str
    may_confirm: bool
    may_review: bool


class ReleaseDetailResponse(ReleaseResponse):
    """
    Everything about one release. ``actions`` are those that the caller may take now.

    ``kept_until`` is how long what people approved counts for another attempt of an errored release.
    ``watch_state`` is what waiting tasks are told: the state, or ``approved_held`` while something holds an
    approved release back. ``risk`` has the facts that the level was found on.
    """

    description: str
    run_after_release: bool
    state_reason: str
    base_commit: str | None
    target_commit: str | None
    items: list[ReleaseItemResponse]
    approval: ApprovalResponse | None
    reports: list[ReportResponse]
    pipeline: PipelineResponse | None
    runs: list[StartStatusResponse]
    run_summary: StartSummaryResponse
    progress: list[ItemProgressResponse]
    actions: list[str]
    hold: HoldResponse | None
    kept_until: datetime | None = None
    watch_state: str
    scheduled_at: datetime | None
    break_glass_reason: str
    emergencies: list[EmergencyResponse] = []
    exempt_reason: str
    soak_minutes: int
    rolls_back_id: int | None
    risk: dict[str, Any]
    evidence: list[ImportEvidenceResponse]


class ReviewBody(RequestModel):
    """What came out of the look at a broken glass."""

    comment: str = Field(min_length=1, max_length=2000)


class ErroredBody(RequestModel):
    """What broke while the machinery worked on a release."""

    reason: MessageField = Field(default="", max_length=2000)


class ReasonBody(RequestModel):
    """Why somebody does this; kept in the audit trail."""

    reason: str = Field(default="", max_length=2000)


class LackingFileBody(RequestModel):
    """A file that a failed check found lacking in a version."""

    submission_id: RowId
    path: str = Field(min_length=1, max_length=1000)


class AddFilesBody(RequestModel):
    """Which of the files that the check found lacking to add; null for all."""

    files: list[LackingFileBody] | None = Field(default=None, max_length=5000)


class BreakGlassBody(RequestModel):
    """Break the glass on exactly this change, for this reason."""

    change_digest: str = Field(min_length=64, max_length=64)
    reason: str = Field(min_length=1, max_length=2000)


class PromotionResponse(ResponseModel):
    """Result of a promotion. Promoting again answers the same."""

    release_id: int
    state: ReleaseState
    commit: str


class VerificationResponse(ResponseModel):
    """
    ``pending`` until there is an answer, then ``passed`` or ``failed`` with problems.

    ``outcome`` says what became of a release that failed: rolled back by which release, or why not.
    """

    status: CheckStatus
    problems: list[str]
    outcome: str = ""


class OutlookResponse(ResponseModel):
    """The next run by schedule as the check saw it; ``due`` runs are created at once, 1000 = that or more."""

    run_after: str
    interval_start: str
    interval_end: str
    due: int


class CutoverResponse(ResponseModel):
    """
    What one DAG of a release would meet in the target.

    ``runs`` are those under way now, ``lost_tasks`` have not ended in them and are not in the new version.
    ``is_unpaused`` says that the release unpauses the DAG. ``outlook`` is null while it is not known.
    """

    dag_id: str
    path: str
    change: ChangeKind
    is_live: bool
    is_paused: bool
    is_unpaused: bool
    is_removed: bool
    runs: list[RunResponse]
    lost_tasks: list[str]
    schedule: str | None
    assets_in: list[str]
    catchup: bool
    outlook: OutlookResponse | None


class DiffLineResponse(ResponseModel):
    """One line of a hunk; ``kind`` is ``add``, ``del`` or ``context``."""

    kind: str
    old_no: int | None
    new_no: int | None
    text: str


class FileDiffResponse(ResponseModel):
    """One file of a diff. ``note`` explains a missing body (binary, too large)."""

    path: str
    change: ChangeKind
    added: int
    removed: int
    note: str | None
    hunks: list[list[DiffLineResponse]]


class DiffResponse(ResponseModel):
    """A diff, file by file, sorted by path."""

    files: list[FileDiffResponse]


class EdgeResponse(ResponseModel):
    """A dependency of two tasks; ``state`` is ``added``, ``removed`` or ``same``."""

    upstream: str
    downstream: str
    state: str


class AttributeChangeResponse(ResponseModel):
    """An attribute with another value; ``task_id`` is empty for one of the DAG itself."""

    task_id: str
    attribute: str
    old: str
    new: str


class DagStructureResponse(ResponseModel):
    """One DAG before and after; states are ``added``, ``removed``, ``changed`` or ``same``."""

    dag_id: str
    state: str
    tasks: dict[str, str]
    edges: list[EdgeResponse]
    attributes: list[AttributeChangeResponse]


class StructureResponse(ResponseModel):
    """
    DAGs before and after.

    ``unknown`` has the ids of versions that no check could read, ``unproven`` of those that only a failed one
    could.
    """

    dags: list[DagStructureResponse]
    unknown: list[int]
    unproven: list[int] = []


class ComparisonResponse(DiffResponse):
    """What differs between two versions or releases: files, and the structure of DAGs."""

    structure: StructureResponse
