"""Two installations that only bundle files connect, each with a database, a store and keys of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.preflight import blocking, rows_from
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import applying, job, preflight
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, make_world
from tests.harness.databases import connect, copy_of
from tests.harness.exports import bytes_of, made, with_transfers
from tests.harness.imports import uploaded

ASKED = ReleaseRequest("An import", reviewers=["reviewer"])


@dataclass(frozen=True)
class Pair:
    """Where DAGs come from, and where they go; either way works."""

    there: World
    here: World

    def bundle(self, *names: str, **export_request: Any) -> bytes:
        """A bundle of DAGs as they are in the target there."""
        return sent_from(self.there, *names, **export_request)

    def checked(self, *names: str, mapping: Any = None, folder: str = "", **export_request: Any) -> Import:
        """The same, here, after its preflight."""
        return checked_at(self.here, self.bundle(*names, **export_request), mapping=mapping, folder=folder)

    def applied(
        self, *names: str, mode: ImportMode = ImportMode.SUBMIT, mapping: Any = None, **export_request: Any
    ) -> Import:
        """The same, applied."""
        return apply(self.here, self.checked(*names, mapping=mapping, **export_request), mode)


def sent_from(world: World, *names: str, **export_request: Any) -> bytes:
    """A bundle file of an installation."""
    row = made(world, *names, **export_request)
    return bytes_of(world, row)


def checked_at(world: World, data: bytes, *, mapping: Any = None, folder: str = "") -> Import:
    """An import of a bundle file, after its preflight."""
    row = uploaded(world, data)
    assert row.state is ImportState.UPLOADED, row.error
    return preflight.check(world.ctx, actor=ADMIN, import_id=row.id, folder=folder, names=mapping)


def apply(
    world: World, row: Import, mode: ImportMode = ImportMode.SUBMIT, release_request: ReleaseRequest = ASKED
) -> Import:
    """Ask for an import to be applied, and let a server do it."""
    assert blocking(rows_from(row.preflight)) == ()
    applying.request(world.ctx, actor=ADMIN, import_id=row.id, mode=mode, release_request=release_request)
    job.run_once(work=servers(world))
    assert row.state is ImportState.APPLIED, row.error
    return row


def servers(world: World) -> Work:
    """Every step of a server in a savepoint: one that fails leaves nothing."""

    @contextmanager
    def step() -> Iterator[tuple[Context, Actor]]:
        with world.ctx.session.begin_nested():
            yield world.ctx, SYSTEM

    return step


def trust(world: World, other: World, name: str) -> None:
    """Accept bundles that another installation signs."""
    public = KeyFolder(other.ctx.settings.keys_path).signing_key().public_key
    since = world.ctx.clock() - timedelta(days=1)
    KeyFolder(world.ctx.settings.keys_path).trust(name, public, valid_from=since)


@contextmanager
def beside(here: World, migrated_file: Path, folder: Path, clock: FrozenClock) -> Iterator[Pair]:
    """A second installation, on SQLite; each trusts the other."""
    engine = connect(copy_of(migrated_file, folder))
    (folder / "there").mkdir()
    with Session(engine, expire_on_commit=False) as session:
        world = make_world(session, folder / "there" / "source", clock)
        there = with_transfers(world, folder / "there")
        here = with_transfers(here, folder)
        trust(here, there, "plant A")
        trust(there, here, "plant B")
        yield Pair(there, here)
    engine.dispose()
