"""
Weeks of a team, one after the other, on a clock that is moved: through the use cases, not by rows in SQL.

What is not as in production: Airflow is the twin of the tests, no DAG file is run for a check (each reports
the same kept report), notifications are handed to nobody, and cleaning comes once a week.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import UnchangedError
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.services.exports import job as export_job
from airflow_release_plugin.services.imports import cleanup, endings
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.releases import creation, releases
from airflow_release_plugin.services.retention import cleaning
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.services.verification import verification
from airflow_release_plugin.store.database import database_store
from soak.team import Change, Ending, Team
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, make_world, with_settings
from tests.harness.exports import ask, bytes_of
from tests.harness.imports import uploaded, with_imports

if TYPE_CHECKING:
    from sqlalchemy import Engine

WEEK_HOURS = 168
MOST_AT_ONCE = 100
"""DAG files that one release may have."""
NOTIFIER = {
    "notifier": "airflow_release_plugin.notifications.webhook.WebhookNotifier",
    "kwargs": {"webhook_conn_id": "board"},
    "events": ["requested", "decided", "released", "failed"],
}
KEPT_REPORT = tuple(
    CheckItem(name, CheckStatus.PASSED, detail=f"{name}: as a worker reported it once, with what it saw.")
    for name in ("Parses", "Ids", "References", "Schedule", "Confined", "Proof")
)
FAILED_REPORT = (CheckItem("Parses", CheckStatus.FAILED, detail="ImportError: no module named 'shop'"),)


class Years:
    """
    An installation and its team; all of their DAGs are in the target when they begin.

    :param engine: of an empty, migrated database
    :param folder: for the source, the keys and the archive
    :param settings: what is set other than by default
    """

    def __init__(self, engine: Engine, folder: Path, team: Team, **settings: object) -> None:
        self._engine, self._team = engine, team
        self.clock = FrozenClock()
        self.number = 0
        (folder / "archive").mkdir(parents=True)
        with Session(engine, expire_on_commit=False) as session:
            world = with_imports(make_world(session, folder / "source", self.clock), folder)
            self._world = with_settings(
                world,
                release_notifiers=json.dumps([NOTIFIER]),
                event_archive_path=str(folder / "archive"),
                **settings,
            )
            session.commit()
        for first in range(0, len(team.names), MOST_AT_ONCE):
            with self.open() as world:
                world.released(*[world.dag(name) for name in team.names[first : first + MOST_AT_ONCE]])

    @contextmanager
    def open(self) -> Iterator[World]:
        """The installation in a session of its own; what was done is committed at its end."""
        with Session(self._engine, expire_on_commit=False) as session:
            store = database_store(session, self.clock)
            yield replace(self._world, ctx=replace(self._world.ctx, session=session, store=store))
            session.commit()

    @contextmanager
    def work(self) -> Iterator[tuple[Context, Actor]]:
        """The same for what an API server does beside requests."""
        with self.open() as world:
            yield world.ctx, SYSTEM

    def play(self) -> None:
        """One week: releases, a bundle that goes and one that comes, messages, and a round of cleaning."""
        self.number += 1
        changes = list(self._team.week(self.number))
        for place, change in enumerate(changes):
            self.clock.advance(hours=WEEK_HOURS / len(changes))
            self._release(change)
            if place % 6 == 5:
                delivery.run_once(work=self.work, send=lambda *_args, **_options: None)
        self._transfer()
        delivery.run_once(work=self.work, send=lambda *_args, **_options: None)
        cleaning.clean(actor=SYSTEM, work=self.work)

    def _release(self, change: Change) -> None:
        with self.open() as world:
            paths = [world.dag(name, lines=f"# {change.mark}\n") for name in change.dags]
            versions = [version for path in paths if (version := _submitted(world, path))]
            if not versions:
                return
            release = world.request(*versions, title=f"Change {change.mark}")
            world.ctx.session.commit()
            if change.ending is Ending.MENDED:
                world.report(release, FAILED_REPORT)
                creation.retry(world.ctx, actor=DEV, release_id=release.id)
                world.ctx.session.commit()
            world.report(release, KEPT_REPORT)
            world.ctx.session.commit()
            self._end(world, release, change.ending, versions)

    def _end(self, world: World, release: Release, ending: Ending, versions: list[Submission]) -> None:
        if ending in {Ending.REJECTED, Ending.REVOKED}:
            if ending is Ending.REJECTED:
                world.decide(release, verdict=Verdict.REJECT, comment="Not like this.")
            else:
                releases.revoke(world.ctx, actor=DEV, release_id=release.id)
            for version in versions:
                submissions.remove(world.ctx, actor=DEV, submission_id=version.id)
            return
        world.decide(release)
        world.ctx.session.commit()
        world.promote(release)
        world.ctx.session.commit()
        world.twin.serve(world.store, "prod", str(world.head))
        verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)

    def _transfer(self) -> None:
        """A bundle of some DAGs is made and fetched, one of another plant comes and is given up."""
        with self.open() as world:
            served = [name for name in self._team.names if f"{name}.py" in world.store.files(world.head)]
            row = ask(world, *served[:5]) if served else None
            world.ctx.session.commit()
        export_job.run_once(work=self.work)
        if row is not None:
            with self.open() as world:
                bytes_of(world, row)
        with self.open() as world:
            brought = uploaded(world, bundle_id=f"week-{self.number}")
            endings.discard(world.ctx, actor=ADMIN, import_id=brought.id)
        cleanup.run_once(work=self.work)

    def newest_release(self, world: World) -> int:
        """Id of a release that a page can show."""
        found = releases.list_releases(world.ctx, actor=ADMIN, limit=1).items
        return found[0].id


def _submitted(world: World, path: str) -> Submission | None:
    try:
        return world.submit(path)
    except UnchangedError:
        return None
