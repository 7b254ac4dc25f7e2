"""The audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import field_validator

from airflow_release_plugin.schemas.common import PersonResponse, ResponseModel


class EventResponse(ResponseModel):
    """One event, in English for everybody; ``hash`` covers it and its predecessor."""

    sequence: int
    time: datetime
    tag: str
    actor: PersonResponse
    subject: str
    data: dict[str, Any]
    hash: str

    # In place of what says texts to the caller: whoever checks the hash needs what it was made of.
    _said = field_validator("*", mode="before")(lambda value: value)
