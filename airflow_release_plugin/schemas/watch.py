"""One request that watches many subjects."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.schemas.common import RequestModel, ResponseModel

MOST_SUBJECTS = 20_000
"""In one request: the ids are bound values of a statement, of which SQLite takes 32,766."""


class WatchBody(RequestModel):
    """
    What the caller knows: ``{"release:7": "awaiting_approval", "gate:3": "open"}``, and how long it may wait.

    The answer comes once one subject is in another (effective) state than given, or after ``wait`` seconds.
    An empty string as known state asks for the present state at once.
    """

    known: dict[str, str] = Field(max_length=MOST_SUBJECTS)
    wait: float = Field(default=20, ge=0, le=50)


class WatchResponse(ResponseModel):
    """The subjects whose state differs; ``missing`` for one that does not exist or may not be seen."""

    changed: dict[str, str]


class SilentMachineResponse(ResponseModel):
    """
    A machine that is at work and does not ask any more, so that it serves what it has.

    ``serves`` is the version that it served when it was heard from last, ``reason`` how Airflow knows that it
    goes on.
    """

    host: str
    serves: str
    heard_at: datetime
    reason: str


class HealthReasonResponse(ResponseModel):
    """A problem by its name, what it means, and what to do."""

    problem: str
    reason: str
    next_step: str


class HealthResponse(ResponseModel):
    """
    ``status``: ``healthy``, ``degraded`` (it works, with problems) or ``unhealthy``; problems by their names.

    ``reasons`` has the same problems in words, ``machines`` are named to those who are logged in.
    """

    status: str
    problems: list[str]
    reasons: list[HealthReasonResponse] = []
    machines: list[SilentMachineResponse] = []


class MeResponse(ResponseModel):
    """
    Who the caller is and what they may do.

    ``role`` is what this installation is (source, target or both), ``source_mode`` what submitting does.
    """

    id: str
    name: str
    roles: list[str]
    is_admin: bool
    is_service: bool
    may_approve: bool
    waiting: int
    role: str
    source_mode: str
