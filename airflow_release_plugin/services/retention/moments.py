"""How long ago something has to be for it to go."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_release_plugin.services.runtime.context import Context


def days_ago(ctx: Context, days: int) -> datetime | None:
    """The moment so many days ago; ``None`` for none, or for more than there were: that is for ever."""
    try:
        moment = ctx.clock() - timedelta(days=max(days, 0))
    except OverflowError:
        return None
    # In the first year, who counts on from there might leave time, too.
    return moment if days > 0 and moment.year > 1 else None
