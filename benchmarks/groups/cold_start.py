"""
A machine that has nothing runs its first task of a version, which it fetches from the API server.

A whole Airflow on PostgreSQL has adopted a folder of so many files. A fresh machine is a process that has
loaded Airflow and has an empty folder for versions.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import write_repository
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Contestant, Sample
from benchmarks.frame.stages import committed, environment, postgres, scratch
from benchmarks.git_over_http import git_over_http
from demo.instance import DemoInstance, running_demo
from tests.harness.live_folder import LOCAL, OLD, bundles

SIZES = (1_000, 5_000)
AT_ONCE = 50
PAGE = "/release/ui/environment/"
FORK = multiprocessing.get_context("fork")
_DAG_FILE = "flow.py"
_CLONE = "`git clone --depth 1` over HTTP"
_FEW = "each round of all contestants takes a minute"


def _alone(n: int) -> Row:
    return Row(
        f"cold start of a machine: {n} files",
        Goal(ratio=2),
        n,
        peer=_CLONE,
        floor="`cp -r` on the same disk",
        unit=Unit.WALL,
        note="The floor moves nothing over a network and checks nothing.",
    )


def _beside_the_bundle(n: int) -> Row:
    return Row(
        f"cold start beside the mirror: {n} files",
        Goal(ratio=2),
        n,
        peer="GitDagBundle over HTTP",
        unit=Unit.WALL,
    )


def _many(n: int) -> Row:
    return Row(
        f"cold start of {AT_ONCE} machines at once: {n} files",
        Goal(ratio=2),
        n,
        peer=f"as many {_CLONE}",
        unit=Unit.WALL,
        rounds=1,
        why_few=_FEW,
        note="All machines are processes of this one, which has the API server, too.",
    )


def _tasks(n: int) -> Row:
    return Row(
        f"first {AT_ONCE} tasks of one machine: {n} files",
        Goal(to_floor=3),
        n,
        floor="one task of it",
        unit=Unit.WALL,
        rounds=1,
        why_few=_FEW,
    )


def _page(n: int) -> Row:
    return Row(
        f"p95 of a page while {AT_ONCE} machines start: {n} files",
        Goal(at_most=0.5),
        n,
        floor="the same page alone",
        unit=Unit.WALL,
        rounds=1,
        why_few=f"it is looked at as often as it answers while {AT_ONCE} machines start",
    )


ROWS = tuple(make(n) for n in SIZES for make in (_alone, _beside_the_bundle, _many, _tasks, _page))


@dataclass
class ServedSite:
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


def fetch(site: ServedSite, storage: Path) -> None:
    """What a task does first, on a machine whose folder for versions is ``storage``."""
    _be_a_task(storage)
    from airflow_release_plugin.bundles.release import ReleaseDagBundle

    bundle = ReleaseDagBundle(name="prod", version=site.commit)
    bundle.initialize()
    assert (bundle.path / _DAG_FILE).exists()


def fetch_by_git_bundle(site: ServedSite, storage: Path) -> None:
    """The same with Airflow's bundle for git."""
    _be_a_task(storage)
    from airflow.providers.git.bundles.git import GitDagBundle

    bundle = GitDagBundle(name="peer", repo_url=site.clone_url, tracking_ref="HEAD")
    bundle.initialize()
    assert (bundle.path / _DAG_FILE).exists()


def _be_a_task(storage: Path) -> None:
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"] = str(storage)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "airflow-db-not-allowed:///"  # as Airflow tells tasks


def clone(site: ServedSite, storage: Path) -> None:
    """The same from a git server."""
    subprocess.run(["git", "clone", "-q", "--depth", "1", site.clone_url, str(storage)], check=True)


def copy(site: ServedSite, storage: Path) -> None:
    """The same from the next folder."""
    subprocess.run(["cp", "-r", str(site.source), str(storage)], check=True)


Get = Callable[[ServedSite, Path], None]


def in_processes(
    get: Get, site: ServedSite, folders: list[Path], meanwhile: AbstractContextManager[object] | None = None
) -> Sample:
    """Until all have got it who begin at one moment, each in a process that has loaded Airflow."""
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
    return Sample(wall=seconds)


@contextmanager
def somebody_reads(site: ServedSite, looks: list[Sample]) -> Iterator[None]:
    """Look at a page again and again for as long as the block runs; each look is a sample."""
    done = threading.Event()

    def read() -> None:
        with site.demo.client("dev") as client:
            while not done.is_set():
                begun = time.perf_counter()
                client.get(PAGE).raise_for_status()
                looks.append(Sample(wall=time.perf_counter() - begun))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()


def p95(looks: list[Sample]) -> Sample:
    """What 95 of 100 stay below."""
    return sorted(looks, key=lambda look: look.wall or 0)[int(0.95 * (len(looks) - 1))]


def _measure_site(bench: Bench, site: ServedSite, n: int) -> None:
    def first(get: Get) -> Contestant:
        return lambda: in_processes(get, site, [site.fresh(get.__name__)])

    bench.alternate(_alone(n), ours=first(fetch), peer=first(clone), floor=first(copy))
    bench.alternate(_beside_the_bundle(n), ours=first(fetch), peer=first(fetch_by_git_bundle))
    if bench.wants(_many(n), _page(n)):
        alone: list[Sample] = []
        meanwhile: list[Sample] = []
        with somebody_reads(site, alone):
            time.sleep(5)
        machines = partial(lambda: [site.fresh("machine") for _ in range(AT_ONCE)])
        ours = in_processes(fetch, site, machines(), somebody_reads(site, meanwhile))
        bench.note(_many(n), {"ours": [ours], "peer": [in_processes(clone, site, machines())]})
        bench.note(_page(n), {"ours": [p95(meanwhile)], "floor": [p95(alone)]})
    bench.alternate(
        _tasks(n),
        ours=lambda: in_processes(fetch, site, [site.fresh("one")] * AT_ONCE),
        floor=first(fetch),
    )


def measure(bench: Bench) -> None:
    """Each size in an Airflow of its own."""
    importlib.import_module("airflow.dag_processing.bundles.base")  # as every task has by then

    for n in SIZES:
        if bench.wants(*(row for row in ROWS if row.n == n)):
            with scratch("cold") as folder, running_site(folder, n) as site, _as_a_worker(site.demo):
                _measure_site(bench, site, n)


@contextmanager
def running_site(folder: Path, files: int) -> Iterator[ServedSite]:
    """An Airflow that has adopted so many files, and a git server with the same."""
    source = folder / "source"
    write_repository(source, files - 1)
    for module in source.glob("team_*/dag_*.py"):  # what is parsed is not what is measured
        module.rename(module.with_name(module.name.replace("dag_", "module_")))
    (source / ".airflowignore").write_text("team_.*\n")
    (source / _DAG_FILE).write_text(
        'from airflow.sdk import DAG\nwith DAG("flow", schedule=None):\n    pass\n'
    )
    committed(source)
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(folder / "source.git")], check=True)
    shutil.rmtree(source / ".git")
    with postgres() as server, git_over_http(folder) as url:
        options = {
            "dag_processor.dag_bundle_config_list": bundles(OLD, LOCAL, path=str(source)),
            "database.sql_alchemy_conn": server.create_database("airflow"),
        }
        with running_demo(folder / "home", options=options, say=print) as demo:
            yield ServedSite(demo, _adopt(demo), f"{url}/source.git", source, folder)


def _adopt(demo: DemoInstance) -> str:
    code = demo.processes.run("release", "adopt", OLD, "--output", "json", name="adopt")
    text = demo.processes.log("adopt").read_text()
    assert code == 0, text
    (row,) = json.loads(text[text.index("[{") :])
    return str(row["commit"])


def _as_a_worker(demo: DemoInstance) -> AbstractContextManager[None]:
    """The environment of a machine that knows the API server and no more."""
    return environment(
        AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT=demo.processes.environment[
            "AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"
        ],
        AIRFLOW_CONN_GIT_DEFAULT="git://",
        GIT_CONFIG_GLOBAL=os.devnull,
    )


GROUP = RowGroup(
    "cold-start",
    "a machine that has nothing yet, in a whole Airflow",
    ROWS,
    measure,
    minutes=30,
    runs_airflow=True,
)
