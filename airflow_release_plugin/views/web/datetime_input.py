"""Times that people type: without a zone in the field, so that the zone stands beside it."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _


def read_moment(text: str, zone: str) -> datetime:
    """
    The moment of a ``datetime-local`` field.

    :param zone: IANA name in which it was typed
    :raises InvalidRequestError: it is no time, or there is no such zone
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidRequestError(_("%(text)r is not a date and time.", text=text)) from error
    try:
        return moment.replace(tzinfo=moment.tzinfo or ZoneInfo(zone or "UTC")).astimezone(timezone.utc)
    except (KeyError, ValueError, OSError, OverflowError) as error:
        raise InvalidRequestError(_("There is no time zone %(zone)r.", zone=zone)) from error


def local_text(moment: datetime | None, zone: str) -> str:
    """What a ``datetime-local`` field shows for a moment; empty for none."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if moment else ""
