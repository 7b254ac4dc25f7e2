"""
A machine that has nothing runs its first task of a version, which it fetches from the API server.

A whole Airflow on PostgreSQL has adopted a folder of so many files. A fresh machine is a process that has
loaded Airflow and has an empty folder for versions. It is compared with ``git clone --depth 1`` of the same
files over HTTP, and with ``cp -r`` on the disk, which moves nothing over a network and checks nothing. Then
fifty at once, as machines of their own and as tasks of one, while somebody looks at a page.
``python -m benchmarks cold_start`` prints the seconds.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import multiprocessing
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.git_over_http import git_over_http
from demo.instance import DemoInstance, running_demo
from tests.harness.live_folder import LOCAL, OLD, bundles
from tests.harness.postgres import PostgresServer, find_programs

FILES = (1_000, 5_000)
AT_ONCE = 50
ROUNDS = 5
PAGE = "/release/ui/environment/"
FORK = multiprocessing.get_context("fork")


def write_folder(root: Path, files: int) -> None:
    """One DAG file, and what a large repository has beside: modules of 4 KB in fifty folders."""
    root.mkdir()
    (root / "flow.py").write_text('from airflow.sdk import DAG\nwith DAG("flow", schedule=None):\n    pass\n')
    for number in range(files - 1):
        folder = root / f"team{number % 50}"
        folder.mkdir(exist_ok=True)
        lines = (
            f"x{line} = '{hashlib.sha256(f'{number} {line}'.encode()).hexdigest()}'" for line in range(50)
        )
        (folder / f"module{number}.py").write_text("\n".join(lines) + "\n")


@dataclass
class Site:
    """
    Where versions come from.

    :param commit: the version that fresh machines want
    :param clone_url: the same files on a git server
    :param source: and in a folder
    """

    demo: DemoInstance
    commit: str
    clone_url: str
    source: Path
    folder: Path
    count: int = field(default=0)

    def fresh(self, name: str) -> Path:
        """A folder that does not exist yet, and whose neighbours do not matter."""
        self.count += 1
        return self.folder / f"{name}{self.count}"


def fetch(site: Site, storage: Path) -> None:
    """What a task does first, on a machine whose folder for versions is ``storage``."""
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"] = str(storage)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "airflow-db-not-allowed:///"  # as Airflow tells tasks
    from airflow_release_plugin.bundles.release import ReleaseDagBundle

    bundle = ReleaseDagBundle(name="prod", version=site.commit)
    bundle.initialize()
    assert (bundle.path / "flow.py").exists()


def clone(site: Site, storage: Path) -> None:
    """The same from a git server."""
    subprocess.run(["git", "clone", "-q", "--depth", "1", site.clone_url, str(storage)], check=True)


def copy(site: Site, storage: Path) -> None:
    """The same from the next folder."""
    subprocess.run(["cp", "-r", str(site.source), str(storage)], check=True)


Get = Callable[[Site, Path], None]


def in_processes(
    get: Get, site: Site, folders: list[Path], meanwhile: AbstractContextManager[object] | None = None
) -> float:
    """Seconds until all have got it who begin at one moment, each in a process that has loaded Airflow."""
    barrier = FORK.Barrier(len(folders) + 1)

    def one(storage: Path) -> None:
        barrier.wait()
        get(site, storage)

    processes = [FORK.Process(target=one, args=(folder,)) for folder in folders]
    for process in processes:
        process.start()
    with meanwhile or nullcontext():
        barrier.wait()
        begun = time.perf_counter()
        for process in processes:
            process.join()
        seconds = time.perf_counter() - begun
    assert [process.exitcode for process in processes] == [0] * len(processes)
    for folder in set(folders):
        shutil.rmtree(folder)
    return seconds


def first_of_a_machine(get: Get, site: Site) -> float:
    """Median seconds of one machine alone."""
    return statistics.median(in_processes(get, site, [site.fresh(get.__name__)]) for _ in range(ROUNDS))


@contextmanager
def somebody_reads(site: Site, seconds: list[float]) -> Iterator[None]:
    """Look at a page again and again for as long as the block runs; each look adds its seconds."""
    done = threading.Event()

    def read() -> None:
        with site.demo.client("dev") as client:
            while not done.is_set():
                begun = time.perf_counter()
                client.get(PAGE).raise_for_status()
                seconds.append(time.perf_counter() - begun)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()


def p95(values: list[float]) -> float:
    """What 95 of 100 stay below."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


def measure(site: Site) -> dict[str, float]:
    """Seconds by what took them."""
    found = {get.__name__: first_of_a_machine(get, site) for get in (fetch, clone, copy)}
    alone: list[float] = []
    meanwhile: list[float] = []
    with somebody_reads(site, alone):
        time.sleep(5)
    for get, reading in ((fetch, somebody_reads(site, meanwhile)), (clone, None)):
        machines = [site.fresh("machine") for _ in range(AT_ONCE)]
        found[f"{AT_ONCE} machines {get.__name__} at once"] = in_processes(get, site, machines, reading)
    found[f"{AT_ONCE} tasks of one machine"] = in_processes(fetch, site, [site.fresh("one")] * AT_ONCE)
    return {**found, "a page alone, p95": p95(alone), "a page meanwhile, p95": p95(meanwhile)}


@contextmanager
def running_site(folder: Path, files: int) -> Iterator[Site]:
    """An Airflow that has adopted so many files, and a git server with the same."""
    source = folder / "source"
    write_folder(source, files)
    git = ["git", "-C", str(source), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"]):
        subprocess.run([*git, *command], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(folder / "source.git")], check=True)
    shutil.rmtree(source / ".git")
    with postgres() as database, git_over_http(folder) as url:
        options = {
            "dag_processor.dag_bundle_config_list": bundles(OLD, LOCAL, path=str(source)),
            "database.sql_alchemy_conn": database,
        }
        with running_demo(folder / "home", options=options, say=print) as demo:
            yield Site(demo, _adopt(demo), f"{url}/source.git", source, folder)


@contextmanager
def postgres() -> Iterator[str]:
    """URL of an empty database on a server of its own."""
    programs = find_programs()
    assert programs is not None, "PostgreSQL is missing; install its server package (Debian: postgresql)"
    server = PostgresServer(programs)
    try:
        server.start()
        yield server.create_database("airflow")
    finally:
        server.stop()


def _adopt(demo: DemoInstance) -> str:
    code = demo.processes.run("release", "adopt", OLD, "--output", "json", name="adopt")
    text = demo.processes.log("adopt").read_text()
    assert code == 0, text
    (row,) = json.loads(text[text.index("[{") :])
    return str(row["commit"])


@contextmanager
def as_a_worker(demo: DemoInstance) -> Iterator[None]:
    """The environment of a machine that knows the API server and no more."""
    connection = demo.processes.environment["AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"]
    values = {"AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT": connection, "GIT_CONFIG_GLOBAL": os.devnull}
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def run(counts: tuple[int, ...] = FILES) -> dict[str, float]:
    """Measure, print seconds, and return ratios."""
    importlib.import_module("airflow.dag_processing.bundles.base")  # as every task has by then

    logging.disable(logging.CRITICAL)
    results: dict[str, float] = {}
    for files in counts:
        with (
            tempfile.TemporaryDirectory(prefix="airflow-release-cold-") as folder,
            running_site(Path(folder), files) as site,
            as_a_worker(site.demo),
        ):
            seconds = measure(site)
        for what, value in seconds.items():
            print(f"{files:>5} files  {what:<28} {value:>8.3f} s", flush=True)
        results |= _ratios(files, seconds)
    logging.disable(logging.NOTSET)
    return results


def _ratios(files: int, seconds: dict[str, float]) -> dict[str, float]:
    at_once, clones = (seconds[f"{AT_ONCE} machines {what} at once"] for what in ("fetch", "clone"))
    return {
        f"{files} files / git clone --depth 1": seconds["fetch"] / seconds["clone"],
        f"{files} files / cp -r": seconds["fetch"] / seconds["copy"],
        f"{files} files, {AT_ONCE} machines / as many clones": at_once / clones,
        f"{files} files, {AT_ONCE} tasks of one machine / one": seconds[f"{AT_ONCE} tasks of one machine"]
        / seconds["fetch"],
        f"{files} files, a page meanwhile / alone, p95": seconds["a page meanwhile, p95"]
        / seconds["a page alone, p95"],
    }


if __name__ == "__main__":
    run()
