"""
Processes that die at one point, and stores that fail at one call.

A crash is a ``BaseException`` that nothing on the way catches, after which the session is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from airflow_release_plugin.store.base import ReleaseStore, environment_ref
from tests.harness.context import World


class CrashError(BaseException):
    """The process is gone."""


class BrokenStore:
    """
    A store that raises at one call, before or after it was done.

    :param ref: the call counts only where its first argument begins so
    :param error: what it raises; a crash if left out
    """

    def __init__(
        self,
        store: ReleaseStore,
        method: str,
        ref: str = "",
        *,
        after: bool = False,
        error: BaseException | None = None,
    ) -> None:
        self._store, self._method, self._ref, self._after = store, method, ref, after
        self._error = error or CrashError()

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._store, name)

        def breaking(*args: Any, **options: Any) -> Any:
            hit = name == self._method and (not self._ref or args[0].startswith(self._ref))
            if hit and not self._after:
                raise self._error
            result = method(*args, **options)
            if hit:
                raise self._error
            return result

        return breaking


Crash: TypeAlias = Callable[[World, pytest.MonkeyPatch], World]
"""Prepares a world whose process dies at one point."""


def crash_in_store(method: str, ref: str = "", *, after: bool) -> Crash:
    return lambda world, _: world.with_store(BrokenStore(world.store, method, ref, after=after))


def crash_in_commit(number: int, *, after: bool) -> Crash:
    def prepare(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
        session, calls = world.ctx.session, []
        commit = session.commit

        def crashing() -> None:
            calls.append(1)
            if len(calls) == number and not after:
                raise CrashError
            commit()
            if len(calls) == number:
                raise CrashError

        monkeypatch.setattr(session, "commit", crashing)
        return world

    return prepare


def crash_in_announce(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    def crashing(*_: Any) -> None:
        raise CrashError

    monkeypatch.setattr(world.twin, "announce", crashing)
    return world


def promotion_crashes(*, earlier_commits: int = 0) -> Mapping[str, Crash]:
    """Every point of a promotion by its name; ``earlier_commits`` of the same deed come before its own."""
    intent, end = earlier_commits + 1, earlier_commits + 2
    return {
        "before the commit is written": crash_in_store("commit", after=False),
        "after the commit is written": crash_in_store("commit", after=True),
        "before the intent is committed": crash_in_commit(intent, after=False),
        "after the intent is committed": crash_in_commit(intent, after=True),
        "before the branch moves": crash_in_store("move_ref", environment_ref("prod"), after=False),
        "after the branch has moved": crash_in_store("move_ref", environment_ref("prod"), after=True),
        "before the tag is made": crash_in_store("move_ref", "refs/tags/", after=False),
        "after the tag is made": crash_in_store("move_ref", "refs/tags/", after=True),
        "while airflow is told": crash_in_announce,
        "before the end is committed": crash_in_commit(end, after=False),
        "after the end is committed": crash_in_commit(end, after=True),
    }


def die(world: World, crash: Crash, deed: Callable[[World], object]) -> None:
    """Commit what there is, and let the process die while it does something."""
    world.ctx.session.commit()
    with pytest.MonkeyPatch.context() as patches:
        crashing = crash(world, patches)
        with pytest.raises(CrashError):
            deed(crashing)
