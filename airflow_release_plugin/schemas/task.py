"""Tasks of a release's pipeline, as they make themselves known."""

from __future__ import annotations

from pydantic import Field

from airflow_release_plugin.schemas.common import MAX_ID, Name, RequestModel, ResponseModel, RowId

CLAIM_HEADER = "Release-Claim"
"""Header of everything that a task says: ``<id of the claim>.<secret>``."""


class ClaimBody(RequestModel):
    """One try of a task instance, and a secret that the caller makes up: the same finds the same claim."""

    dag_id: Name
    run_id: Name
    task_id: Name
    map_index: int = Field(default=-1, ge=-1, le=MAX_ID)
    try_number: int = Field(ge=0, le=MAX_ID)
    secret: str = Field(min_length=32, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")


class ClaimResponse(ResponseModel):
    """The claim. It holds until a worker takes the task up anew."""

    id: RowId
