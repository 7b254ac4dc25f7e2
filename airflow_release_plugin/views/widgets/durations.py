"""How long something took, as people say it."""

from __future__ import annotations

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE
from airflow_release_plugin.messages import Message as _


def duration(seconds: int | None) -> str:
    """``4 min``, ``3 h 20 min``, ``2 d 5 h``; empty for none."""
    if seconds is None:
        return ""
    if seconds < MINUTE:
        return _("under 1 min")
    if seconds < HOUR:
        return _("%(minutes)s min", minutes=seconds // MINUTE)
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    if days:
        return _("%(days)s d %(hours)s h", days=days, hours=hours) if hours else _("%(days)s d", days=days)
    if minutes:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
    return _("%(hours)s h", hours=hours)
