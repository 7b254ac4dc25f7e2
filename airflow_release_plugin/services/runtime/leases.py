"""
What one of several API servers shall do at a time, while the others only look whether it still does.

A lease makes work cheap, not safe: for a moment two may think that they hold it, say when a clock is wrong.
So what is done under it locks what it changes, and may be done twice.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from airflow_release_plugin.models import Lease
from airflow_release_plugin.repositories import leases as queries
from airflow_release_plugin.services.runtime.context import Context


def holder() -> str:
    """What this process is called as a holder."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take(ctx: Context, name: str, length: timedelta, *, by: str = "") -> Lease | None:
    """
    Take a lease, or hold it for longer; ``None`` while another process has it.

    One that ends later than any that is taken now comes from a clock that was wrong, and counts for nothing.

    :param length: how long it is held; take it again long before
    :param by: who takes it; this process if empty
    """
    me, now = by or holder(), ctx.clock()
    row = queries.lease(ctx.session, name)
    if row is None:
        return queries.first(ctx.session, name, me, now + length)
    if row.holder != me and now < row.until <= now + length:
        return None
    row.holder, row.until = me, now + length
    return row
