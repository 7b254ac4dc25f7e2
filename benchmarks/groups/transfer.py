"""Exports and imports, from the request to the file and from the file to what it holds; beside zip."""

from __future__ import annotations

import hashlib
import shutil
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import dag_count, edit
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample, timed
from benchmarks.frame.stages import database, git
from benchmarks.groups.source import TAG, source

if TYPE_CHECKING:
    from airflow_release_plugin.models import Import
    from tests.harness.context import World

SIZES = (200, 5_000)
_WITHIN = Goal(ratio=1 / 1.5)


_ZIP = "`zipfile`, deflated, of the whole folder"


def _first_export(n: int) -> Row:
    return Row(
        f"first export of {n} DAGs",
        _WITHIN,
        n,
        peer=_ZIP,
        rounds=1,
        why_few="a server process looks into a content once",
        note="All files are read, parsed and looked through for what they refer to and for secrets.",
    )


def _export(n: int) -> Row:
    return _of_size(
        f"export of {n} DAGs",
        n,
        _ZIP,
        "What is exported is found, checked, signed, and kept in the metadata database, in pieces.",
    )


def _import(n: int) -> Row:
    return _of_size(
        f"import of {n} DAGs: received and verified",
        n,
        "unpacking that zip with the SHA-256 of each file",
        "The bytes go into the metadata database; limits, signature and every file are checked.",
    )


def _applied(n: int) -> Row:
    few = {} if n <= 200 else {"rounds": 1, "why_few": "all files are exported anew for each"}
    return Row(
        f"import of {n} DAGs: applied",
        _WITHIN,
        n,
        peer="unpacking that zip into a clone, `git add` and `git commit`",
        note="The plan is made anew, every file checked and stored, and a version submitted for each DAG. "
        "All DAG files have changed since the import before.",
        **few,  # type: ignore[arg-type]
    )


def _of_size(name: str, n: int, peer: str, note: str) -> Row:
    few = {} if n <= 200 else {"rounds": 3, "why_few": "each takes a quarter of a minute"}
    return Row(name, _WITHIN, n, peer=peer, note=note, **few)  # type: ignore[arg-type]


_MEMORY = Row(
    f"memory of an export of {SIZES[-1]} DAGs",
    Goal(to_floor=1.5),
    SIZES[-1],
    floor=f"of {SIZES[0]}",
    unit=Unit.SIZE,
    rounds=1,
    why_few="Python counts its own bytes, always the same",
    note="The files go through one by one; what grows is what is known of each.",
)
ROWS = (*(make(n) for n in SIZES for make in (_first_export, _export, _import, _applied)), _MEMORY)


@dataclass
class Plant:
    """
    An installation that exports what its source has, and trusts itself.

    :param exported: bytes of the latest bundle
    """

    world: World
    root: Path
    folder: Path
    exported: bytes = field(default=b"", repr=False)

    @property
    def archive(self) -> Path:
        """Where the peer puts its zip."""
        return self.folder / "peer.zip"

    def export(self) -> None:
        """Ask for everything that the source has, and make the file."""
        from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
        from tests.harness.exports import bytes_of, made

        row = made(self.world, tag=TAG, origin=ExportOrigin.SOURCE)
        self.world.ctx.session.commit()
        self.exported = bytes_of(self.world, row)

    def receive(self) -> None:
        """Take the file in, and look at every byte of it."""
        from airflow_release_plugin.domain.states import ImportState
        from tests.harness.imports import uploaded

        row = uploaded(self.world, self.exported)
        self.world.ctx.session.commit()
        assert row.state is ImportState.UPLOADED, row.error

    def edit(self) -> None:
        """Change every DAG file."""
        for path in self.root.glob("team_*/dag_*.py"):
            edit(self.root, path.relative_to(self.root).as_posix())

    def zip(self) -> None:
        """What somebody without us does."""
        with zipfile.ZipFile(self.archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in sorted(self.root.rglob("*")):
                archive.write(path, path.relative_to(self.root))

    def unzip(self) -> None:
        """And somebody who checks what came."""
        target = self.folder / "unpacked"
        with zipfile.ZipFile(self.archive) as archive:
            archive.extractall(target)
        for path in target.rglob("*"):
            if path.is_file():
                hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.rmtree(target)


@contextmanager
def plant(dags: int) -> Iterator[Plant]:
    """An installation with so many DAGs for the length of a block."""
    from airflow_release_plugin.transfer.keys import KeyFolder
    from tests.harness.exports import with_transfers

    files = next(files for files in range(dags, 2 * dags + 100) if dag_count(files) == dags)
    with source(files, is_committed=False) as place:
        folder = place.root.parent
        world = with_transfers(place.world, folder)
        keys = KeyFolder(world.ctx.settings.keys_path)
        since = world.ctx.clock() - timedelta(days=1)
        keys.trust("ourselves", keys.signing_key().public_key, valid_from=since)
        yield Plant(world, place.root, folder)


@dataclass
class Receiver:
    """
    Another installation, and a clone, that get everything from a plant.

    :param waiting: what was received and checked last
    """

    plant: Plant
    world: World
    clone: Path
    waiting: Import | None = None

    def receive(self) -> None:
        """Let both have a file in which each DAG is another than before."""
        from tests.harness.two_installations import checked_at

        self.plant.edit()
        self.plant.export()
        self.plant.zip()
        self.waiting = checked_at(self.world, self.plant.exported)
        self.world.ctx.session.commit()

    def apply(self) -> None:
        """Ask for it, and let a server do it."""
        from tests.harness.two_installations import apply

        assert self.waiting is not None
        apply(self.world, self.waiting)
        self.world.ctx.session.commit()

    def commit(self) -> None:
        """What somebody without us does."""
        with zipfile.ZipFile(self.plant.archive) as archive:
            archive.extractall(self.clone)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-qm", "Import")


@contextmanager
def receiver(place: Plant) -> Iterator[Receiver]:
    """An empty installation that trusts the plant, for the length of a block."""
    from tests.harness.context import make_world
    from tests.harness.exports import with_transfers
    from tests.harness.two_installations import trust

    folder = place.folder / "receiver"
    clone = folder / "clone"
    clone.mkdir(parents=True)
    git(clone, "init", "-q")
    with (
        database(f"sqlite:///{folder / 'release.db'}") as engine,
        Session(engine, expire_on_commit=False) as session,
    ):
        world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
        world = with_transfers(world, folder)
        trust(world, place.world, "plant")
        yield Receiver(place, world, clone)


def measure(bench: Bench) -> None:
    """Each size, and how much more memory the larger one needs."""
    peaks: dict[int, Sample] = {}
    for n in SIZES:
        if not bench.wants(_first_export(n), _export(n), _import(n), _applied(n), _MEMORY):
            continue
        with plant(n) as place:
            bench.note(_first_export(n), {"ours": [timed(place.export)()], "peer": [timed(place.zip)()]})
            bench.alternate(_export(n), ours=timed(place.export), peer=timed(place.zip))
            if bench.wants(_import(n)):
                place.export()
                place.zip()
                bench.alternate(_import(n), ours=timed(place.receive), peer=timed(place.unzip))
            if bench.wants(_MEMORY):
                peaks[n] = _peak(place)
            if bench.wants(_applied(n)):
                with receiver(place) as other:
                    bench.alternate(
                        _applied(n),
                        prepare=other.receive,
                        ours=timed(other.apply),
                        peer=timed(other.commit),
                    )
    if bench.wants(_MEMORY):
        bench.note(_MEMORY, {"ours": [peaks[SIZES[-1]]], "floor": [peaks[SIZES[0]]]})


def _peak(place: Plant) -> Sample:
    """The most bytes that Python held at once while an export was made, less those of before."""
    place.export()  # what a server process knows of files anyway
    place.exported = b""
    tracemalloc.start()
    place.export()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Sample(size=peak - len(place.exported))


GROUP = RowGroup("transfer", "exports and imports", ROWS, measure, minutes=6)
