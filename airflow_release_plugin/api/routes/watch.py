"""One waiting request for all subjects that a process watches."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from airflow_release_plugin.api.dependencies import Caller, CallerDep
from airflow_release_plugin.schemas.watch import WatchBody, WatchResponse
from airflow_release_plugin.services.read_models import watch
from airflow_release_plugin.services.runtime import news

router = APIRouter(tags=["Watch"])
POLL_SECONDS = 1.0
"""Between two looks at what other processes may have changed; what this one has changed is told at once."""
SHORTEST_SECONDS = 0.2
"""Between two looks, however much happens."""


@router.post("/watch")
async def wait_for_change(body: WatchBody, request: Request, caller: CallerDep) -> WatchResponse:
    """Answer as soon as a subject is in another state than the caller knows, or when the wait is over."""
    deadline = time.monotonic() + body.wait
    last = None
    with news.listening() as signal:
        while True:
            signal.clear()
            looked = time.monotonic()
            last = await run_in_threadpool(_look, caller, body.known, last)
            left = deadline - time.monotonic()
            if last.changed or left <= 0 or await request.is_disconnected():
                return WatchResponse(changed=last.changed)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(signal.wait(), min(POLL_SECONDS, left))
            await asyncio.sleep(min(looked + SHORTEST_SECONDS, deadline) - time.monotonic())


def _look(caller: Caller, known: dict[str, str], last: watch.Look | None) -> watch.Look:
    with caller.transaction() as (ctx, actor):
        return watch.look_again(ctx, actor=actor, known=known, last=last)
