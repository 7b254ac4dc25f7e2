"""Who waits for the trail in this process is woken by what is committed, and by nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.services.runtime import audit, news
from tests.harness.context import World

pytestmark = pytest.mark.req("R37")


def note(world: World) -> None:
    audit.record(world.ctx, actor=SYSTEM, tag=EventTag.RELEASE_CREATED, subject="release:1")


def is_told(deed: Callable[[], object]) -> bool:
    """Whether a deed wakes who listens, in a thread other than theirs as in the API server."""

    async def listen() -> bool:
        with news.listening() as signal:
            await asyncio.to_thread(deed)
            await asyncio.sleep(0)
            return signal.is_set()

    return asyncio.run(listen())


def test_what_is_committed_wakes_who_listens(world: World) -> None:
    note(world)

    assert is_told(world.ctx.session.commit)


def test_before_the_commit_nobody_is_woken(world: World) -> None:
    assert not is_told(lambda: note(world))


def test_what_is_rolled_back_wakes_nobody(world: World) -> None:
    note(world)

    assert not is_told(world.ctx.session.rollback)


def test_the_commit_after_a_savepoint_wakes_them_again(world: World) -> None:
    with world.ctx.session.begin_nested():
        note(world)

    assert is_told(world.ctx.session.commit)


def test_who_has_gone_is_in_nobodys_way(world: World) -> None:
    async def leave() -> None:
        with news.listening():
            note(world)

    asyncio.run(leave())
    world.ctx.session.commit()

    assert not news._listening
