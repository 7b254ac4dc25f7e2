"""An import is applied whole, once, by whichever server; or not at all, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ReleaseError,
    StoreUnavailableError,
    UnavailableError,
)
from airflow_release_plugin.models import Event, Import, Release, Submission, Unit
from airflow_release_plugin.repositories import imports as queries
from airflow_release_plugin.services.imports import applying, job
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.claims import LEASE, MAX_ATTEMPTS, Claim, claim_next
from airflow_release_plugin.services.runtime.context import Context
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, make_world
from tests.harness.crashes import BrokenStore, CrashError
from tests.harness.two_installations import ASKED, beside, checked_at

pytestmark = pytest.mark.req("R54", "R56")


@dataclass
class Site:
    """An installation whose servers have transactions of their own, with an import that was asked for."""

    world: World
    factory: sessionmaker[Session]
    rows: list[int]

    def work(self, **how: Any) -> Work:
        """The steps of a server; ``how`` breaks it."""
        commits: list[int] = []

        @contextmanager
        def step() -> Iterator[tuple[Context, Actor]]:
            try:
                with self.factory() as session:
                    world = self.world.with_session(session)
                    if "store" in how:
                        world = world.with_store(how["store"](world.store))
                    yield world.ctx, SYSTEM
                    commits.append(1)
                    if how.get("before_commit") == len(commits):
                        raise CrashError
                    session.commit()
                    if how.get("after_commit") == len(commits):
                        raise CrashError
            except (StaleDataError, IntegrityError) as error:
                raise ConflictError("Somebody else was faster.", lost_race=True) from error
            except OperationalError as error:
                raise UnavailableError("The database is busy.") from error

        return step

    @contextmanager
    def fresh(self) -> Iterator[World]:
        """What a new request sees."""
        with self.factory() as session:
            yield self.world.with_session(session)

    def row(self, number: int = 0) -> Import:
        """One of the imports as it is now."""
        with self.fresh() as world:
            found = queries.get(world.ctx.session, self.rows[number])
            assert found is not None
            return found

    def count(self, model: type[Any]) -> int:
        """How many rows there are."""
        with self.fresh() as world:
            return world.ctx.session.scalar(select(func.count()).select_from(model)) or 0

    def nothing_is_here(self) -> bool:
        """Whether no trace of the import is in the database."""
        return [self.count(model) for model in (Unit, Submission, Release)] == [0, 0, 0]

    def ask(self, number: int = 0, mode: ImportMode = ImportMode.RELEASE) -> None:
        """Ask for one to be applied."""
        with self.fresh() as world:
            applying.request(
                world.ctx, actor=ADMIN, import_id=self.rows[number], mode=mode, release_request=ASKED
            )
            world.ctx.session.commit()

    def broken(self, method: str, ref: str = "", **how: Any) -> Work:
        """A server with a store that breaks."""
        return self.work(store=lambda store: BrokenStore(store, method, ref, **how))


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(
    session_factory: sessionmaker[Session],
    migrated_file: Path,
    tmp_path: Path,
    clock: FrozenClock,
) -> Iterator[Site]:
    """Two imports of one bundle with three DAGs, both checked."""
    with session_factory() as session:
        world = make_world(session, tmp_path / "source", clock)
        with beside(world, migrated_file, tmp_path, clock) as pair:
            names = ("a", "b", "c")
            pair.there.released(*[pair.there.dag(name) for name in names])
            data = pair.bundle(*names)
            rows = [checked_at(pair.here, data).id for _ in range(2)]
            session.commit()
            yield Site(pair.here, session_factory, rows)


def is_finished(site: Site) -> bool:
    """Whether everything of the import is here, once."""
    with site.fresh() as world:
        release = world.ctx.session.scalars(select(Release)).one()
        paths = [item.path for item in release.items]
        is_whole = audit.first_broken_link(world.ctx) is None and paths == ["a.py", "b.py", "c.py"]
    return is_whole and site.row().state is ImportState.APPLIED and site.count(Submission) == 3


CRASHES: dict[str, Callable[[Site], Work]] = {  # more, of real processes: db/api/test_killed_servers.py
    "before it is claimed": lambda site: site.work(before_commit=1),
    "once it is claimed": lambda site: site.work(after_commit=1),
    "before the files are written": lambda site: site.broken("write_files"),
    "after the originals are kept": lambda site: site.broken("commit", after=True),
    "before a version has its ref": lambda site: site.broken("move_ref", "refs/submissions/"),
    "after the last version has its ref": lambda site: site.broken(
        "move_ref", "refs/submissions/c/", after=True
    ),
    "before the bundle has its ref": lambda site: site.broken("move_ref", "refs/imports/"),
    "after the bundle has its ref": lambda site: site.broken("move_ref", "refs/imports/", after=True),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_server_that_ends_while_applying_leaves_nothing_and_another_finishes(
    site: Site, clock: FrozenClock, crash: str
) -> None:
    site.ask()
    with pytest.raises(CrashError):
        job.run_once(work=CRASHES[crash](site))

    assert site.nothing_is_here()
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert job.run_once(work=site.work()) == 1
    assert is_finished(site)


def test_nobody_else_takes_an_import_while_its_server_lives(site: Site) -> None:
    site.ask()
    assert claim_next(site.work(), job._claim_next) is not None

    assert job.run_once(work=site.work()) == 0
    assert not job.apply_now(site.rows[0], work=site.work())


def test_a_server_that_comes_back_too_late_spoils_nothing(site: Site, clock: FrozenClock) -> None:
    site.ask()
    late = claim_next(site.work(), job._claim_next)
    assert late is not None
    clock.advance(seconds=LEASE.total_seconds() + 1)
    job.run_once(work=site.work())

    assert not job.apply(late, work=site.work())
    assert is_finished(site)


def test_an_import_that_servers_die_over_is_given_back(site: Site, clock: FrozenClock) -> None:
    site.ask()
    for _ in range(MAX_ATTEMPTS):
        assert claim_next(site.work(), job._claim_next) is not None
        clock.advance(seconds=LEASE.total_seconds() + 1)

    assert job.run_once(work=site.work()) == 0
    row = site.row()
    assert (row.state, row.applied_bundle_id) == (ImportState.CHECKED, None)
    assert "stopped each time" in row.error


FULL = StoreUnavailableError("The release store '/x' cannot be used (No space left on device).")


@pytest.mark.parametrize(
    ("method", "ref"),
    [("commit", ""), ("move_ref", "refs/submissions/c/"), ("move_ref", "refs/imports/")],
)
def test_a_store_that_is_full_leaves_nothing_and_the_import_waits_with_the_reason(
    site: Site, method: str, ref: str
) -> None:
    site.ask()

    assert job.run_once(work=site.broken(method, ref, error=FULL)) == 0

    row = site.row()
    assert (row.state, row.applied_bundle_id, row.beat_at) == (ImportState.CHECKED, None, None)
    assert "No space left on device" in row.error
    assert site.nothing_is_here()
    site.ask()
    assert job.apply_now(site.rows[0], work=site.work())
    assert is_finished(site)


def test_a_failure_inside_is_told_to_people_without_its_details(site: Site) -> None:
    site.ask()

    job.run_once(work=site.broken("commit", error=RuntimeError("secret")))

    assert site.row().error == "Something broke inside. The API server's log says what."
    with site.fresh() as world:
        tags = [event.tag for event in world.ctx.session.scalars(select(Event).order_by(Event.sequence))]
        assert tags[-1] == EventTag.IMPORT_APPLY_FAILED.value


def test_a_database_that_was_busy_is_tried_again(site: Site) -> None:
    site.ask()
    busy = OperationalError("UPDATE", {}, Exception("database is locked"))

    job.apply(_claimed(site), work=site.broken("commit", error=busy))

    assert (site.row().state, site.row().beat_at) == (ImportState.APPLYING, None)
    assert job.run_once(work=site.work()) == 1


def _claimed(site: Site) -> Claim:
    claim = claim_next(site.work(), job._claim_next)
    assert claim is not None
    return claim


def at_once(count: int, deed: Callable[[int], object]) -> list[object]:
    """Results or errors of something that is done so often at the same moment."""
    start = Barrier(count)

    def serve(number: int) -> object:
        start.wait()
        try:
            return deed(number)
        except (ReleaseError, StaleDataError, IntegrityError, OperationalError) as error:
            return error

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(serve, range(count)))


@pytest.mark.parametrize("numbers", [(0, 0), (0, 1)], ids=["one import", "two imports of one bundle"])
def test_two_people_who_ask_at_once_have_it_applied_once(site: Site, numbers: tuple[int, int]) -> None:
    results = at_once(2, lambda each: site.ask(numbers[each]))

    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert job.run_once(work=site.work()) == 1
    assert (site.count(Submission), site.count(Release)) == (3, 1)


def test_servers_that_look_at_once_apply_it_once(site: Site) -> None:
    site.ask()

    results = at_once(4, lambda _: job.run_once(work=site.work()))

    while job.run_once(work=site.work()):
        pass
    assert not [result for result in results if isinstance(result, BaseException)]
    assert is_finished(site)
