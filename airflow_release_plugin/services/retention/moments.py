"""How long ago something has to be for it to go."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_release_plugin.services.runtime.context import Context


def days_ago(ctx: Context, days: int) -> datetime | None:
    """The moment so many days ago; ``None`` for none, or for more than there were: that is for ever."""
    try:
        return ctx.clock() - timedelta(days=days) if days > 0 else None
    except OverflowError:
        return None
