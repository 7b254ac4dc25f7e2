"""Serving a version: ReleaseDagBundle beside Airflow's GitDagBundle, one run, the same files and commits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import dag_path, repository
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Contestant, Sample, timed
from benchmarks.frame.stages import database, environment, scratch

SIZES = (1_000, 5_000)
EDITED = 10
REF = "refs/heads/prod"
PEER, OURS, LOCAL = "GitDagBundle", "ReleaseDagBundle", "LocalDagBundle"
_MODULES = {
    PEER: "airflow.providers.git.bundles.git",
    OURS: "airflow_release_plugin.bundles.release",
    LOCAL: "airflow.dag_processing.bundles.local",
}
_STARTER = [sys.executable, "-m", "benchmarks.starting_tasks"]


def _start(n: int) -> Row:
    return Row(
        f"start of a task: {n} files",
        Goal(ratio=50, over_floor=0.0005),
        n,
        peer=PEER,
        floor=LOCAL,
        note="Import of the class, construction and `initialize()` of a version on disk, in a fresh process "
        "that has loaded Airflow.",
    )


def _unchanged(n: int) -> Row:
    return Row(
        f"refresh with nothing new: {n} files",
        Goal(ratio=500),
        n,
        peer=PEER,
        floor="one `stat`",
        note="What the store has is asked each time: one small read of the metadata database.",
    )


def _changed(n: int) -> Row:
    return Row(f"refresh with {EDITED} changed: {n} files", Goal(ratio=1), n, peer=PEER)


def _tracking(n: int) -> Row:
    return Row(
        f"first tracking copy: {n} files",
        Goal(ratio=1),
        n,
        peer=PEER,
        note="Each file is read from the metadata database and checked against its digest.",
    )


def _pinned(n: int) -> Row:
    return Row(
        f"pinned version with {EDITED} new: {n} files",
        Goal(ratio=10 if n <= 1_000 else 8, to_floor=1.2),
        n,
        peer=PEER,
        floor="`cp -al`",
    )


def _disk(n: int) -> Row:
    return Row(f"disk for a further version: {n} files", Goal(ratio=30), n, peer=PEER, unit=Unit.SIZE)


ROWS = tuple(make(n) for make in (_start, _unchanged, _changed, _tracking, _pinned, _disk) for n in SIZES)


class Site:
    """
    A store with so many files, a bare repository with the same commits, and a machine that serves both.

    The store is in the database that Airflow uses.
    """

    def __init__(self, folder: Path, files: int) -> None:
        from airflow_release_plugin.store.bare_repository import create_repository

        self.folder = folder
        self.mirror = create_repository(folder / "store.git")
        self.edits = 0
        self.tip: str | None = None
        self.texts = repository(files)
        self.edited = [dag_path(number) for number in range(EDITED)]
        self.promote(self.texts)

    def promote(self, paths: Collection[str]) -> str:
        """Put a new commit with these files changed into both."""
        from airflow_release_plugin.airflow_internals.session import airflow_session
        from airflow_release_plugin.store.copies import copy_commits
        from airflow_release_plugin.store.database import database_store

        with airflow_session() as session:
            store = database_store(session)
            tip = self._commit(store, paths)
            copy_commits(store, self.mirror, [tip])
            self.mirror.move_ref(REF, expected=self.tip, new=tip)
        self.tip = tip
        return tip

    def edit(self) -> None:
        """Change a few files."""
        self.promote(self.edited)

    def _commit(self, store: Any, paths: Collection[str]) -> str:
        from datetime import datetime, timezone

        from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
        from airflow_release_plugin.store.base import CommitMessage

        self.edits += 1
        texts = {path: f"# {self.edits}\n{self.texts[path]}".encode() for path in paths}
        written = store.write_files({path: (REGULAR, text) for path, text in texts.items()})
        tip: str = store.commit(
            parent=self.tip,
            changes=[TreeChange(entry.path, entry) for entry in written],
            message=CommitMessage(f"Edit {self.edits}"),
            author="bench",
            time=datetime.now(timezone.utc),
        )
        store.move_ref(REF, expected=self.tip, new=tip)
        return tip

    def bundle(self, name: str, *, pinned: bool = False, machine: str = "") -> Any:
        """
        A bundle of one of the classes.

        :param machine: makes it one that has nothing yet; empty for the one that was always there
        """
        import importlib

        given = self._options(name, pinned=pinned, machine=machine)
        return getattr(importlib.import_module(_MODULES[name]), name)(**given)

    def _options(self, name: str, *, pinned: bool, machine: str = "") -> dict[str, Any]:
        version = {"version": self.tip if pinned else None}
        if name == PEER:
            return {
                **version,
                "name": f"peer{machine}",
                "tracking_ref": "prod",
                "repo_url": str(self.folder / "store.git"),
            }
        if name == OURS:
            return {**version, "name": f"ours{machine}", "environment": "prod"}
        return {"name": "local", "path": str(self.bundle(OURS, pinned=True).path)}

    @contextmanager
    def starting(self) -> Iterator[Callable[[str], Contestant]]:
        """Makes contestants that start a task with a bundle of a class, whose version is on disk."""
        with subprocess.Popen(_STARTER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdin is not None
            assert starter.stdout is not None

            def start(name: str) -> Sample:
                options = self._options(name, pinned=name != LOCAL)
                print(json.dumps([_MODULES[name], name, options]), file=starter.stdin, flush=True)
                return Sample(**json.loads(starter.stdout.readline()))

            yield lambda name: partial(start, name)


@contextmanager
def site(files: int) -> Iterator[Site]:
    """A site for the length of a block, with a database of its own."""
    from tests.harness.databases import airflow_uses

    with (
        scratch("serving") as folder,
        environment(
            AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH=str(folder / "bundles"),
            AIRFLOW__LOGGING__LOGGING_LEVEL="CRITICAL",
            AIRFLOW_CONN_GIT_DEFAULT="git://",  # spares the peer a search and a traceback
            GIT_CONFIG_GLOBAL=os.devnull,
        ),
        database(f"sqlite:///{folder / 'release.db'}") as engine,
        airflow_uses(engine),
    ):
        yield Site(folder, files)


def measure(bench: Bench) -> None:
    """All rows, size by size."""
    for n in SIZES:
        rows = [row for row in ROWS if row.n == n and bench.wants(row)]
        if rows:
            with site(n) as place:
                measure_site(bench, place, n)


def measure_site(bench: Bench, place: Site, n: int) -> None:
    """The rows of one size."""
    _measure_tracking(bench, place, n)
    tracking = {name: place.bundle(name) for name in (PEER, OURS)}
    for bundle in tracking.values():
        bundle.initialize()
    bench.alternate(
        _unchanged(n),
        ours=timed(tracking[OURS].refresh, times=50),
        peer=timed(tracking[PEER].refresh, times=5),
        floor=timed(lambda: place.folder.stat(), times=1000),
    )
    bench.alternate(
        _changed(n),
        prepare=place.edit,
        ours=timed(tracking[OURS].refresh),
        peer=timed(tracking[PEER].refresh),
    )
    _measure_pinned(bench, place, n)
    if bench.wants(_start(n)):
        for name in (PEER, OURS):
            place.bundle(name, pinned=True).initialize()
        with place.starting() as start:
            bench.alternate(_start(n), ours=start(OURS), peer=start(PEER), floor=start(LOCAL))


def _measure_tracking(bench: Bench, place: Site, n: int) -> None:
    """Each round on a machine of its own that has nothing yet."""
    count = iter(range(1000))

    def first(name: str) -> Contestant:
        def once() -> Sample:
            bundle = place.bundle(name, machine=f"_{next(count)}")
            sample = timed(bundle.initialize)()
            shutil.rmtree(bundle.base_dir)
            return sample

        return once

    bench.alternate(_tracking(n), ours=first(OURS), peer=first(PEER))


def _measure_pinned(bench: Bench, place: Site, n: int) -> None:
    pinned, disk = _pinned(n), _disk(n)
    if not bench.wants(pinned, disk):
        return
    seconds: dict[str, list[Sample]] = {"ours": [], "peer": [], "floor": []}
    sizes: dict[str, list[Sample]] = {"ours": [], "peer": []}
    for number in range(max(bench.rounds(pinned), bench.rounds(disk))):
        place.edit()
        for contestant, name in sorted({"ours": OURS, "peer": PEER}.items(), reverse=bool(number % 2)):
            bundle = place.bundle(name, pinned=True)
            before = disk_use(bundle.base_dir)
            seconds[contestant].append(timed(bundle.initialize)())
            sizes[contestant].append(Sample(size=disk_use(bundle.base_dir) - before))
        version = place.bundle(OURS, pinned=True).path
        link = ["cp", "-al", str(version), str(place.folder / f"copy{number}")]
        seconds["floor"].append(timed(lambda link=link: subprocess.run(link, check=True))())
    bench.note(pinned, seconds)
    bench.note(disk, sizes)


def disk_use(folder: Path) -> int:
    """Bytes on disk, each inode once."""
    stats = [os.lstat(path) for path in folder.rglob("*")]
    return sum({stat.st_ino: stat.st_blocks * 512 for stat in stats}.values())


GROUP = RowGroup("serving", "serving a version, and what every task pays", ROWS, measure, minutes=8)
