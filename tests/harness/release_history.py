"""
A history of releases whose insights are known: made by the use cases themselves, as people would.

What is known comes from the plan alone, by the plainest arithmetic; nothing of it is read from the database.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from airflow_release_plugin.domain.ports import ServedState
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.verification import verification
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, REVIEWER, World

TRACE = "Traceback\nKeyError: 'PROD_HOST'\n"


class Ending(Enum):
    """What becomes of a change in the target."""

    GOOD = "good"
    TAKEN_BACK = "its verification fails, and it is rolled back at once"
    ROLLED_BACK = "people find it bad some hours later, and roll it back"
    MENDED = "its verification fails, and the next release of the DAG puts it right"
    LEFT = "its verification fails, and nobody does anything"


@dataclass(frozen=True)
class PlannedChange:
    """
    A change and what becomes of it.

    :param at: when it reaches the target
    :param lead: from the submission of its version to then, in minutes
    :param wait: of its approval, in minutes
    :param restore: from when it was found to be bad until it was put right, in minutes
    """

    at: datetime
    dag_id: str
    lead: int
    wait: int
    ending: Ending = Ending.GOOD
    restore: int = 0
    glass_broken: bool = False

    @property
    def is_bad(self) -> bool:
        return self.ending is not Ending.GOOD

    @property
    def failed_at(self) -> datetime:
        """When it was found to be bad; people take three hours for it."""
        return self.at + (timedelta(hours=3) if self.ending is Ending.ROLLED_BACK else SETTLING)


SETTLING = timedelta(minutes=1)
"""From the promotion to the look at what Airflow serves."""
_ENDINGS = (
    *(Ending.GOOD,) * 3,
    Ending.ROLLED_BACK,
    *(Ending.GOOD,) * 2,
    Ending.TAKEN_BACK,
    *(Ending.GOOD,) * 3,
    Ending.MENDED,
)


def planned_history(
    start: datetime, changes: int, dag_ids: Sequence[str], seed: int = 7
) -> list[PlannedChange]:
    """A change every two days from ``start`` on, of one DAG after the other; the last one is left bad."""
    chance = random.Random(seed)
    plan: list[PlannedChange] = []
    for number in range(changes):
        ending = Ending.LEFT if number == changes - 1 else _ENDINGS[number % len(_ENDINGS)]
        lead = chance.randrange(40, 900)
        restore = 0 if ending is Ending.TAKEN_BACK else chance.randrange(20, 400)
        plan.append(
            PlannedChange(
                at=start + timedelta(days=2 * number, minutes=chance.randrange(60 * 4)),
                dag_id=dag_ids[number % len(dag_ids)],
                lead=lead,
                wait=chance.randrange(10, lead - 20),
                ending=ending,
                restore=restore if ending is not Ending.GOOD else 0,
                glass_broken=number % 9 == 5,
            )
        )
    return [each for change in plan for each in (change, *_mend_of(change))]


def _mend_of(change: PlannedChange) -> Iterator[PlannedChange]:
    """The next release of the DAG, where that puts a change right."""
    if change.ending is Ending.MENDED:
        at = change.failed_at + timedelta(minutes=change.restore)
        yield PlannedChange(at, change.dag_id, lead=max(2, change.restore // 2), wait=1)


@dataclass(frozen=True)
class KnownAnswers:
    """What the insights of some days have to say, in numbers and minutes."""

    released: int
    failed: int
    glass_broken: int
    leads: tuple[int, ...]
    restores: tuple[int, ...]
    unrestored: int
    waits: tuple[int, ...]


def known_answers(plan: Sequence[PlannedChange], start: datetime, end: datetime) -> KnownAnswers:
    """The answers for the time from ``start`` until just before ``end``."""
    inside = [change for change in plan if start <= change.at < end]
    bad = [change for change in plan if change.is_bad and start <= change.failed_at < end]
    waits = [wait for change in plan for decided_at, wait in _waits(change) if start <= decided_at < end]
    return KnownAnswers(
        released=len(inside),
        failed=sum(change.is_bad for change in inside),
        glass_broken=sum(change.glass_broken for change in inside),
        leads=tuple(sorted(change.lead for change in inside)),
        restores=tuple(sorted(change.restore for change in bad if change.ending is not Ending.LEFT)),
        unrestored=sum(change.ending is Ending.LEFT for change in bad),
        waits=tuple(sorted(waits)),
    )


def ranked(minutes: Sequence[int], percent: int) -> int | None:
    """The plainest percentile: of sorted values the one at that place, in seconds as people read it."""
    if not minutes:
        return None
    found = sorted(minutes)[math.ceil(len(minutes) * percent / 100) - 1] * 60
    return found if found < 86400 else found - found % 3600


def _submitted_at(change: PlannedChange) -> datetime:
    return change.at - timedelta(minutes=change.lead)


def _decided_at(change: PlannedChange) -> datetime:
    """The check takes a minute."""
    return _submitted_at(change) + timedelta(minutes=1 + change.wait)


def _waits(change: PlannedChange) -> Iterator[tuple[datetime, int]]:
    """When somebody was waited for, and how long: for the change, and for its rollback."""
    if not change.glass_broken:
        yield _decided_at(change), change.wait
    if change.ending is Ending.ROLLED_BACK:
        yield change.failed_at + timedelta(minutes=change.restore), change.restore


class HistoryMaker:
    """Plays a plan; the clock goes on from one happening to the next."""

    def __init__(self, world: World, clock: FrozenClock) -> None:
        self._world = world
        self._clock = clock
        self._versions = 0
        by_hand = replace(world.ctx.settings, auto_rollback=False)
        self._by_hand = replace(world, ctx=replace(world.ctx, settings=by_hand))

    def play(self, plan: Sequence[PlannedChange], *, before: datetime, tags: str = "") -> None:
        """
        Let everything of a plan happen.

        :param before: when the first versions of its DAGs come to the target
        :param tags: what follows ``DAG(`` in a file, say ``tags=["pii"]``
        """
        self._clock.now = before
        names = sorted({change.dag_id for change in plan})
        self._world.released(*[self._write(name) for name in names])
        self._serve()
        for change in plan:
            release = self._bring(change)
            self._end(change, release)

    def _write(self, dag_id: str) -> str:
        self._versions += 1
        return self._world.dag(dag_id, lines=f"version = {self._versions}")

    def _serve(self) -> None:
        self._world.twin.serve(self._world.store, "prod", str(self._world.head))

    def _bring(self, change: PlannedChange) -> Release:
        world, clock = self._world, self._clock
        clock.now = _submitted_at(change)
        chosen = world.submit(self._write(change.dag_id))
        clock.advance(minutes=1)
        release = world.report(world.request(chosen))
        clock.now = _decided_at(change)
        if change.glass_broken:
            world.break_glass(release, ADMIN)
        else:
            world.decide(release, REVIEWER)
        clock.now = change.at
        return world.promote(release)

    def _verify(self, world: World, release: Release) -> None:
        actor = world.task(release, TaskRole.VERIFY)
        verification.verify(world.ctx, actor=actor, release_id=release.id)

    def _end(self, change: PlannedChange, release: Release) -> None:
        self._serve()
        self._clock.now = change.at + SETTLING
        verified_by_itself = change.ending in {Ending.GOOD, Ending.TAKEN_BACK, Ending.ROLLED_BACK}
        if change.ending in {Ending.TAKEN_BACK, Ending.MENDED, Ending.LEFT}:
            path = f"{change.dag_id}.py"
            self._world.twin.serving[path] = ServedState(path, import_errors=(TRACE,))
        self._verify(self._world if verified_by_itself else self._by_hand, release)
        if change.ending is Ending.ROLLED_BACK:
            self._roll_back(change, release)
        self._serve()

    def _roll_back(self, change: PlannedChange, release: Release) -> None:
        world, scope = self._world, UndoRelease(release.id)
        self._clock.now = change.failed_at
        rollback = rollbacks.request(
            world.ctx,
            actor=DEV,
            scope=scope,
            digest=planning.plan(world.ctx, actor=DEV, scope=scope).digest,
            release_request=ReleaseRequest("", ["reviewer"]),
        )
        waiting = world.report(rollback)
        self._clock.now = change.failed_at + timedelta(minutes=change.restore)
        world.promote(world.decide(waiting))
