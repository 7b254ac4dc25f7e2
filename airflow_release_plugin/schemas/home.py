"""The first page of the section, as data."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.schemas.approval import InboxItemResponse
from airflow_release_plugin.schemas.common import ResponseModel
from airflow_release_plugin.schemas.imports import WaitingImportResponse
from airflow_release_plugin.schemas.release import EmergencyItemResponse, HoldResponse, ReleaseResponse


class MovingReleaseResponse(ResponseModel):
    """
    A release on its way.

    ``state`` is that of the release, or ``verifying``. Of its ``files`` DAG files, ``done`` are through the
    step under way and ``served`` are served as they were approved. ``waits_for`` names the step that people
    decide on.
    """

    release: ReleaseResponse
    state: str
    files: int
    done: int
    served: int
    waits_for: str
    block: HoldResponse | None


class StoppedReleaseResponse(ResponseModel):
    """A release that did not go out, or does not stay, with the reason in one line."""

    release: ReleaseResponse
    state: str
    since: datetime | None
    reason: str


class FreezeResponse(ResponseModel):
    """A time in which nothing goes out under a flow; ``ends`` is null when no end is in sight."""

    flow: str
    name: str
    starts: datetime
    ends: datetime | None


class ConditionResponse(ResponseModel):
    """Whether the environment runs what was approved; ``looked_at`` is null before the first look."""

    is_moved: bool
    differences: int
    looked_at: datetime | None


class HomeResponse(ResponseModel):
    """
    What waits for the caller, and what is under way, landed and stopped of what they may see.

    Lists of releases have at most ten rows; ``has_more_…`` says whether there are others. ``condition`` is
    null where releases have no target.
    """

    now: datetime
    is_first_use: bool
    approvals: list[InboxItemResponse]
    imports: list[WaitingImportResponse]
    emergencies: list[EmergencyItemResponse]
    moving: list[MovingReleaseResponse]
    has_more_moving: bool
    landed: list[ReleaseResponse]
    has_more_landed: bool
    stopped: list[StoppedReleaseResponse]
    has_more_stopped: bool
    freezes: list[FreezeResponse]
    condition: ConditionResponse | None
