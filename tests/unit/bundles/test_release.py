"""The bundle that serves an environment: whole versions, cheap starts, goes on without a database."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from airflow.dag_processing.bundles.base import BundleUsageTrackingManager, get_bundle_version_path
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.dag_processing.manager import DagFileProcessorManager
from airflow.sdk.exceptions import AirflowException

from airflow_release_plugin.bundles import keeper
from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import InvalidRequestError, UnavailableError
from airflow_release_plugin.store.base import CommitMessage, environment_ref
from airflow_release_plugin.store.memory import memory_store
from airflow_release_plugin.store.release_store import ReleaseStore
from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

FORK = multiprocessing.get_context("fork")
NOON = datetime(2026, 9, 21, tzinfo=timezone.utc)
PROD = environment_ref("prod")
DAG = b"from airflow.sdk import DAG\nfrom lib.names import NAME\n\nwith DAG(NAME):\n    pass\n"
ONE: dict[str, bytes | None] = {
    "dags/etl.py": DAG,
    "lib/names.py": b"NAME = 'one'\n",
    "sql/q.sql": b"select 1\n",
}
TWO: dict[str, bytes | None] = {"lib/names.py": b"NAME = 'two'\n"}

pytestmark = pytest.mark.req("R76")


class Source:
    """A store in memory that may be away."""

    def __init__(self) -> None:
        self.store = memory_store()
        self.is_away = False
        self.signs: list[MachineSign] = []

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        store = self.open()
        self.signs += [sign] if sign else []
        return store.head(environment)

    def files(self, commit: str) -> dict[str, FileEntry]:
        return self.open().files(commit)

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return self.open().read_all(blobs)

    def open(self) -> ReleaseStore:
        if self.is_away:
            raise UnavailableError("The metadata database is away.")
        return self.store


class Site:
    """What was released, and an Airflow machine that has what it needs from there."""

    def __init__(self, folder: Path) -> None:
        self.storage = folder / "bundles"
        self.source = Source()
        self.store = self.source.store

    def promote(self, files: dict[str, bytes | None]) -> str:
        parent = self.store.ref(PROD)
        data = {path: (REGULAR, raw) for path, raw in files.items() if raw is not None}
        changes = [TreeChange(entry.path, entry) for entry in self.store.write_files(data)]
        changes += [TreeChange(path, None) for path, raw in files.items() if raw is None]
        tip = self.store.commit(
            parent=parent, changes=changes, message=CommitMessage("t"), author="ada", time=NOON
        )
        self.store.move_ref(PROD, expected=parent, new=tip)
        return tip

    def bundle(self, version: str | None = None) -> ReleaseDagBundle:
        return ReleaseDagBundle(name="prod", version=version)

    def serving(self, version: str | None = None) -> ReleaseDagBundle:
        bundle = self.bundle(version)
        bundle.initialize()
        return bundle


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(made.storage))
    monkeypatch.setattr(keeper.BundleKeeper, "_source", lambda _: made.source)
    return made


def files_of(folder: Path) -> dict[str, bytes]:
    root = folder.resolve()
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST}


def version_of(bundle: ReleaseDagBundle) -> str | None:
    answer = bundle.get_current_version()
    return answer if answer is None or isinstance(answer, str) else answer.version


def dag_ids(bundle: ReleaseDagBundle) -> dict[str, str]:
    """Parse the bundle in a process of its own, as Airflow does: ids and relative paths."""
    answers: multiprocessing.SimpleQueue[dict[str, str]] = FORK.SimpleQueue()

    def parse() -> None:
        sys.dont_write_bytecode = False
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        answers.put({dag.dag_id: dag.relative_fileloc for dag in bag.dags.values()} | bag.import_errors)

    process = FORK.Process(target=parse)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    return answers.get()


def byte_code(bundle: ReleaseDagBundle) -> set[str]:
    return {path.name.split(".")[0] for path in bundle.path.resolve().rglob("*.pyc")}


class TestTracking:
    def test_serves_the_tip_of_its_environment(self, site: Site) -> None:
        tip = site.promote(ONE)
        bundle = site.serving()
        assert files_of(bundle.path) == ONE
        assert version_of(bundle) == tip

    def test_environment_may_differ_from_the_name(self, site: Site) -> None:
        tip = site.promote(ONE)
        bundle = ReleaseDagBundle(name="other", environment="prod")
        bundle.initialize()
        assert version_of(bundle) == tip

    def test_version_has_the_shape_that_this_airflow_wants(self, site: Site) -> None:
        site.promote(ONE)
        assert isinstance(site.serving().get_current_version(), str) is not AIRFLOW_V_3_3_PLUS

    def test_refresh_brings_the_new_version(self, site: Site) -> None:
        site.promote(ONE)
        bundle = site.serving()
        path = bundle.path
        tip = site.promote({**TWO, "sql/q.sql": None})
        bundle.refresh()
        assert files_of(bundle.path) == {"dags/etl.py": DAG, **TWO}
        assert version_of(bundle) == tip
        assert bundle.path == path

    def test_unchanged_files_keep_their_time_over_a_refresh(self, site: Site) -> None:
        site.promote(ONE)
        bundle = site.serving()
        before = (bundle.path / "dags/etl.py").stat()
        site.promote(TWO)
        bundle.refresh()
        assert (bundle.path / "dags/etl.py").stat().st_mtime_ns == before.st_mtime_ns

    def test_refresh_with_nothing_new_only_asks_where_the_environment_is(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.promote(ONE)
        bundle = site.serving()
        for name in ("files", "read_all"):
            monkeypatch.setattr(site.store, name, lambda *_: pytest.fail("read the store"))
        monkeypatch.setattr(keeper, "is_whole", lambda _: pytest.fail("listed the files"))
        bundle.refresh()

    def test_another_process_may_switch_the_version(self, site: Site) -> None:
        site.promote(ONE)
        one, other = site.serving(), site.serving()
        tip = site.promote(TWO)
        other.refresh()
        assert version_of(one) == tip

    def test_rolling_back_serves_the_old_bytes(self, site: Site) -> None:
        site.promote(ONE)
        bundle = site.serving()
        for files in (TWO, {"lib/names.py": ONE["lib/names.py"]}):
            site.promote(files)
            bundle.refresh()
        assert files_of(bundle.path) == ONE

    def test_only_the_last_two_trees_stay(self, site: Site) -> None:
        tips = [site.promote({"a": b"%d" % number}) for number in range(1)]
        bundle = site.serving()
        for number in range(1, 5):
            tips.append(site.promote({"a": b"%d" % number}))
            bundle.refresh()
        assert {path.name for path in (bundle.base_dir / "tracking").iterdir()} == set(tips[-2:])

    @pytest.mark.parametrize("harm", ["file", "manifest", "tree", "link"])
    def test_initialize_repairs_what_the_machine_lost(self, site: Site, harm: str) -> None:
        site.promote(ONE)
        path = site.serving().path
        if harm == "link":
            path.unlink()
        elif harm == "tree":
            shutil.rmtree(path.resolve())
        else:
            (path / (MANIFEST if harm == "manifest" else "sql/q.sql")).unlink()
        assert files_of(site.serving().path) == ONE


class TestNothingReleased:
    def test_serves_an_empty_folder_without_a_version(self, site: Site) -> None:
        bundle = site.serving()
        assert bundle.path.is_dir()
        assert files_of(bundle.path) == {}
        assert bundle.get_current_version() is None
        bundle.refresh()

    def test_first_release_appears_at_a_refresh(self, site: Site) -> None:
        bundle = site.serving()
        tip = site.promote(ONE)
        bundle.refresh()
        assert files_of(bundle.path) == ONE
        assert version_of(bundle) == tip


class TestStoreAway:
    def test_refresh_goes_on_serving_and_says_why(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        tip = site.promote(ONE)
        bundle = site.serving()
        site.source.is_away = True
        with caplog.at_level(logging.ERROR):
            bundle.refresh()
        assert files_of(bundle.path) == ONE
        assert version_of(bundle) == tip
        assert "goes on serving" in caplog.text
        assert "is away" in caplog.text

    def test_a_restarted_dag_processor_goes_on_serving(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.serving()
        site.source.is_away = True
        bundle = site.serving()
        assert files_of(bundle.path) == ONE
        assert version_of(bundle) == tip

    def test_a_version_on_disk_can_be_used(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.serving(tip)
        site.source.is_away = True
        assert files_of(site.serving(tip).path) == ONE

    def test_a_version_that_is_tracked_can_be_used(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.serving()
        site.source.is_away = True
        assert files_of(site.serving(tip).path) == ONE

    def test_another_version_is_an_error_and_leaves_no_folder(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.source.is_away = True
        bundle = site.bundle(tip)
        with pytest.raises(AirflowException, match="is away"):
            bundle.initialize()
        assert not bundle.path.exists()
        site.source.is_away = False
        assert files_of(site.serving(tip).path) == ONE

    def test_a_lost_branch_does_not_empty_the_environment(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        site.promote(ONE)
        bundle = site.serving()
        site.source.store = memory_store()
        bundle.refresh()
        assert files_of(bundle.path) == ONE
        assert "no branch of environment 'prod' any more" in caplog.text

    def test_a_commit_that_cannot_be_read_is_not_served(
        self, site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.promote(ONE)
        bundle = site.serving()
        monkeypatch.setattr(site.store, "head", lambda _: "a" * 40)
        bundle.refresh()
        assert files_of(bundle.path) == ONE
        assert "has no commit" in caplog.text


class TestPinned:
    def test_serves_its_version_whatever_was_promoted_since(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.promote(TWO)
        bundle = site.serving(tip)
        assert files_of(bundle.path) == ONE
        assert version_of(bundle) == tip

    def test_lies_where_airflow_cleans_up(self, site: Site) -> None:
        tip = site.promote(ONE)
        assert site.serving(tip).path == get_bundle_version_path("prod", tip)

    def test_airflow_can_remove_it_and_it_comes_back(self, site: Site, tmp_path: Path) -> None:
        tip = site.promote(ONE)
        path = site.serving(tip).path
        lock = tmp_path / "lock"
        lock.touch()

        class Info:
            version = tip
            lock_file_path = lock

        BundleUsageTrackingManager._remove_stale_bundle("prod", Info)  # type: ignore[arg-type]
        assert not path.exists()
        assert files_of(site.serving(tip).path) == ONE

    def test_the_tracking_copy_does_not_depend_on_it(self, site: Site) -> None:
        tip = site.promote(ONE)
        bundle = site.serving()
        shutil.rmtree(site.serving(tip).path)
        assert files_of(bundle.path) == ONE

    @pytest.mark.parametrize("left", [[], ["dags/etl.py"]], ids=["empty", "partial"])
    def test_a_folder_that_a_crash_left_is_not_taken_for_it(self, site: Site, left: list[str]) -> None:
        tip = site.promote(ONE)
        path = site.bundle(tip).path
        path.mkdir(parents=True)
        for name in left:
            (path / name).parent.mkdir(parents=True)
            (path / name).write_bytes(b"?")
        assert files_of(site.serving(tip).path) == ONE

    def test_cannot_be_refreshed(self, site: Site) -> None:
        with pytest.raises(InvalidRequestError, match="never changes"):
            site.bundle("a" * 40).refresh()

    @pytest.mark.parametrize("version", ["../../etc", "HEAD", "prod", "a" * 39])
    def test_only_commit_ids_are_versions(self, site: Site, version: str) -> None:
        with pytest.raises(AirflowException, match="not an object id"):
            site.bundle(version).initialize()

    def test_an_unknown_commit_is_an_error(self, site: Site) -> None:
        with pytest.raises(
            AirflowException, match=r"Host .* cannot serve version .* of the bundle .* has no commit"
        ):
            site.bundle("a" * 40).initialize()

    def test_costs_almost_no_disk(self, site: Site) -> None:
        first = site.promote({f"f{number}": os.urandom(4000) for number in range(50)})
        second = site.promote({"f0": b"new"})
        site.serving(first)
        used = {path.stat().st_ino for path in site.storage.rglob("*") if path.is_file()}
        site.serving(second)
        after = {path.stat().st_ino for path in site.storage.rglob("*") if path.is_file()}
        assert len(after - used) == 3  # the new content, the list of files and the note on its folders


class TestManyAtOnce:
    @pytest.mark.parametrize("pinned", [True, False])
    def test_processes_that_start_together_all_see_the_whole(self, site: Site, pinned: bool) -> None:
        files = {f"d{number % 9}/f{number}": b"%d" % number for number in range(200)}
        tip = site.promote({**files})
        ready = FORK.Barrier(6)

        def work() -> None:
            ready.wait()
            assert files_of(site.serving(tip if pinned else None).path) == files

        processes = [FORK.Process(target=work) for _ in range(6)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(30)
        assert [process.exitcode for process in processes] == [0] * 6
        assert not list((site.storage / "prod/building").iterdir())

    def test_threads_of_one_instance_all_see_the_whole(self, site: Site) -> None:
        files = {f"f{number}": b"%d" % number for number in range(100)}
        bundle = site.bundle(site.promote({**files}))
        seen: list[bool] = []

        def work() -> None:
            bundle.initialize()
            seen.append(files_of(bundle.path) == files)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert seen == [True] * 8

    def test_a_version_on_disk_waits_for_nobody(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.serving(tip)
        with site.bundle().keeper.trees.locked():
            done = FORK.Process(target=site.serving, args=(tip,))
            done.start()
            done.join(20)
            assert done.exitcode == 0


class TestFastPath:
    def test_a_task_needs_neither_a_database_nor_a_git_library_for_what_is_on_disk(self, site: Site) -> None:
        tip = site.promote(ONE)
        site.serving()
        site.serving(tip)
        code = (
            "import os, sys\n"
            "import airflow.dag_processing.bundles.base\n"
            "os.environ['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN'] = 'airflow-db-not-allowed:///'\n"
            "from airflow_release_plugin.bundles.release import ReleaseDagBundle\n"
            "before = set(sys.modules)\n"
            "for version in (None, sys.argv[1]):\n"
            "    ReleaseDagBundle(name='prod', version=version).initialize()\n"
            "unwanted = {'dulwich', 'sqlalchemy', 'airflow_release_plugin.store.database'}\n"
            "sys.exit(bool(unwanted & (set(sys.modules) - before)))"
        )
        done = subprocess.run([sys.executable, "-c", code, tip], check=False, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_works_without_a_git_executable(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        tip = site.promote(ONE)
        assert files_of(site.serving(tip).path) == ONE


class TestAirflowCopes:
    # Airflow's in-process API server, which the manager makes, is not what this is about
    @pytest.mark.filterwarnings("ignore:Using `httpx`")
    def test_dag_processor_finds_files_relative_to_the_link(self, site: Site) -> None:
        site.promote(ONE)
        manager = DagFileProcessorManager(max_runs=1)
        assert [path.as_posix() for path in manager._find_files_in_bundle(site.serving())] == ["dags/etl.py"]

    def test_parsing_through_the_link_gives_relative_locations(self, site: Site) -> None:
        site.promote(ONE)
        assert dag_ids(site.serving()) == {"one": "dags/etl.py"}

    def test_a_refresh_changes_what_is_parsed(self, site: Site) -> None:
        site.promote(ONE)
        bundle = site.serving()
        assert dag_ids(bundle) == {"one": "dags/etl.py"}  # leaves byte code
        site.promote(TWO)
        bundle.refresh()
        assert dag_ids(bundle) == {"two": "dags/etl.py"}

    def test_byte_code_of_unchanged_files_is_inherited(self, site: Site) -> None:
        site.promote(ONE)
        bundle = site.serving()
        dag_ids(bundle)
        site.promote({"sql/q.sql": b"select 2\n"})
        bundle.refresh()
        assert byte_code(bundle) == {"etl", "names"}

    def test_byte_code_reaches_a_pinned_version(self, site: Site) -> None:
        tip = site.promote(ONE)
        dag_ids(site.serving())
        assert byte_code(site.serving(tip)) == {"etl", "names"}

    def test_serving_runs_no_code(self, site: Site, tmp_path: Path) -> None:
        mark = tmp_path / "ran"
        site.promote({"dags/a.py": f"open({str(mark)!r}, 'w')\n".encode(), "__init__.py": b"1/0\n"})
        site.serving()
        assert not mark.exists()

    def test_view_url_template_is_airflows_own(self, site: Site) -> None:
        template = "https://example.org/{version}"
        bundle = ReleaseDagBundle(name="prod", view_url_template=template)
        assert bundle.view_url_template() == template
