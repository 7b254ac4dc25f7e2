"""
Serving a version: ReleaseDagBundle against Airflow's GitDagBundle, and against ``cp -al``.

One reads the store in a database, the other a bare repository with the same commits, in interleaved
rounds. Ratios travel between machines, milliseconds do not. ``python benchmarks/bench_bundle.py [files]
[rounds]`` prints a table.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

REF = "refs/heads/prod"
PEER, OURS, FLOOR = "GitDagBundle", "ReleaseDagBundle", "floor"
CLASSES = {
    PEER: (
        "airflow.providers.git.bundles.git",
        {"tracking_ref": "prod", "repo_url": "{store}", "name": "peer"},
    ),
    OURS: (
        "airflow_release_plugin.bundles.release",
        {"environment": "prod", "name": "ours"},
    ),
}
START = """
import sys, time, importlib, json, logging
import airflow.dag_processing.bundles.base
logging.disable(logging.CRITICAL)
module, name, kwargs = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
began = time.perf_counter()
bundle = getattr(importlib.import_module(module), name)(**kwargs)
bundle.initialize()
print("took", time.perf_counter() - began)
"""


class Site:
    """A store with ``count`` DAG files, and a machine that serves it with both classes."""

    def __init__(self, folder: Path, count: int) -> None:
        from airflow import settings

        from airflow_release_plugin.models import metadata
        from airflow_release_plugin.store.bare_repository import create_repository

        self.folder = folder
        self.repository = folder / "store.git"
        self.mirror = create_repository(self.repository)
        metadata.create_all(settings.engine)
        self.paths = [f"team{number % 50}/dag_{number}.py" for number in range(count)]
        self.edits = 0
        self.tip: str | None = None

    def promote(self, paths: list[str]) -> str:
        from airflow_release_plugin.airflow_internals.session import airflow_session
        from airflow_release_plugin.store.copies import copy_commits
        from airflow_release_plugin.store.database import database_store

        with airflow_session() as session:
            store = database_store(session)
            tip = self._promote(store, paths)
            copy_commits(store, self.mirror, [tip])
            self.mirror.move_ref(REF, expected=self.tip, new=tip)
        self.tip = tip
        return tip

    def _promote(self, store: Any, paths: list[str]) -> str:
        from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
        from airflow_release_plugin.store.base import CommitMessage

        self.edits += 1
        text = {
            path: f"# {path} {self.edits}\n" + "".join(f"x{n} = {n}\n" for n in range(300)) for path in paths
        }
        written = store.write_files({path: (REGULAR, text[path].encode()) for path in paths})
        tip: str = store.commit(
            parent=self.tip,
            changes=[TreeChange(entry.path, entry) for entry in written],
            message=CommitMessage(f"Edit {self.edits}"),
            author="bench",
            time=datetime.now(timezone.utc),
        )
        store.move_ref(REF, expected=self.tip, new=tip)
        return tip

    def kwargs(self, name: str, version: str | None) -> dict[str, Any]:
        given = {key: value.format(store=self.repository) for key, value in CLASSES[name][1].items()}
        return {**given, "version": version}

    def bundle(self, name: str, version: str | None = None) -> Any:
        import importlib

        return getattr(importlib.import_module(CLASSES[name][0]), name)(**self.kwargs(name, version))

    def start(self, name: str, version: str | None) -> float:
        """Seconds from importing the class to an initialised bundle, in a process that has Airflow loaded."""
        import json

        command = [
            sys.executable,
            "-c",
            START,
            CLASSES[name][0],
            name,
            json.dumps(self.kwargs(name, version)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return next(float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("took "))


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def disk(*folders: Path) -> int:
    """Bytes on disk, each inode once."""
    stats = [os.lstat(path) for folder in folders for path in folder.rglob("*")]
    return sum({stat.st_ino: stat.st_blocks * 512 for stat in stats}.values())


@contextmanager
def environment(folder: Path) -> Iterator[None]:
    values = {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
        "AIRFLOW_CONN_GIT_DEFAULT": "git://",  # spares the peer a search and a traceback
        "GIT_CONFIG_GLOBAL": os.devnull,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
    }
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def measure(folder: Path, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians in milliseconds (disk: megabytes) by what is measured and by class."""
    site = Site(folder, count)
    tip = site.promote(site.paths)
    samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    tracking = {name: site.bundle(name) for name in CLASSES}
    for name, bundle in tracking.items():
        samples["first initialize, tracking copy"][name].append(1e3 * timed(bundle.initialize))
    for _ in range(rounds):
        for name, bundle in tracking.items():
            samples["refresh, nothing new"][name].append(1e3 * timed(bundle.refresh))
        tip = site.promote(site.paths[:10])
        for name, bundle in tracking.items():
            samples["refresh, 10 files changed"][name].append(1e3 * timed(bundle.refresh))
        for name in CLASSES:
            pinned = site.bundle(name, tip)
            used = disk(pinned.base_dir)
            samples["first initialize, pinned version"][name].append(1e3 * timed(pinned.initialize))
            samples["disk per version (MB)"][name].append((disk(pinned.base_dir) - used) / 1e6)
            samples["start of a task, version on disk"][name].append(1e3 * site.start(name, tip))
        copy = ["cp", "-al", str(pinned.path), str(folder / f"copy{tip}")]
        samples["first initialize, pinned version"][FLOOR].append(
            1e3 * timed(lambda copy=copy: subprocess.run(copy, check=True))
        )
    return {
        what: {name: statistics.median(values) for name, values in by_name.items()}
        for what, by_name in samples.items()
    }


def run(count: int = 1000, rounds: int = 3) -> dict[str, float]:
    """
    Measure and print a table; return for each line how many times cheaper than GitDagBundle we are.

    ``… / cp -al`` is how many times dearer a new version is than linking the files of one that exists.
    """
    import logging

    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="bench_bundle_"))
    try:
        with environment(folder):
            medians = measure(folder, count, rounds)
    finally:
        logging.disable(logging.NOTSET)
        shutil.rmtree(folder, ignore_errors=True)
    results = {what: by_name[PEER] / by_name[OURS] for what, by_name in medians.items()}
    print(f"{count} files, {rounds} rounds{PEER:>37} {OURS:>17} {'ratio':>8}")
    for what, by_name in medians.items():
        print(f"{what:<36} {by_name[PEER]:>17.3f} {by_name[OURS]:>17.3f} {results[what]:>8.1f}")
    pinned = medians["first initialize, pinned version"]
    results["first initialize, pinned version / cp -al"] = pinned[OURS] / pinned[FLOOR]
    print(f"{'cp -al of a version':<36} {'':>17} {pinned[FLOOR]:>17.3f}")
    return results


if __name__ == "__main__":
    run(*(int(argument) for argument in sys.argv[1:]))
