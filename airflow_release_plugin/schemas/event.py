"""The audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow_release_plugin.schemas.common import PersonResponse, ResponseModel


class EventResponse(ResponseModel):
    """One event; ``hash`` covers it and its predecessor."""

    sequence: int
    time: datetime
    tag: str
    actor: PersonResponse
    subject: str
    data: dict[str, Any]
    hash: str
