"""What a page says about events that it cannot show any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.repositories import event_archives
from airflow_release_plugin.services.runtime.context import Context

MOST_NAMED = 3
"""Files that a page names; of the others it gives the number."""


@dataclass(frozen=True)
class ArchivedEvents:
    """
    Events of some time that are in the archive.

    :param names: files that may have them, at most :data:`MOST_NAMED`, the oldest first
    :param count: how many files there are
    :param until: when the last of these events was
    """

    names: tuple[str, ...]
    count: int
    until: datetime


def since(ctx: Context, moment: datetime) -> ArchivedEvents | None:
    """Where events from a moment on are that were archived; ``None`` where none was."""
    rows = event_archives.since(ctx.session, moment)
    if not rows:
        return None
    names = tuple(row.name for row in rows[:MOST_NAMED])
    return ArchivedEvents(names, len(rows), rows[-1].last_at)
