"""What people are told in person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from airflow_release_plugin.domain.flow.notice import NoticeWay
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.schemas.common import RequestModel, ResponseModel, RowId


class NoticeResponse(ResponseModel):
    """One thing that the caller was told; ``facts`` is what notifiers are told of the same."""

    id: int
    event: NotificationEvent
    subject_type: str
    subject_id: int
    facts: dict[str, Any]
    made_at: datetime
    read_at: datetime | None


class NoticesReadBody(RequestModel):
    """What the caller has read: some notices, or all of them without ``notice_ids``."""

    notice_ids: list[RowId] | None = Field(default=None, max_length=1000)


class NoticeWaysBody(RequestModel):
    """How the caller wants to be told; kinds that are left out stay as they are."""

    ways: dict[NotificationEvent, NoticeWay]


class NoticeWaysResponse(ResponseModel):
    """How the caller is told of each kind of event."""

    ways: dict[NotificationEvent, NoticeWay]
