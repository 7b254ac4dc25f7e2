"""Commits as folders: whole or absent, shared, read-only."""

from __future__ import annotations

import errno
import multiprocessing
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.store import serving, whole
from airflow_release_plugin.store.memory import MemoryObjects, MemoryRefs
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.release_store import ReleaseStore
from airflow_release_plugin.store.serving import ServedTrees
from airflow_release_plugin.store.whole import differences, is_whole

NOON = datetime(2026, 9, 21, tzinfo=timezone.utc)
FORK = multiprocessing.get_context("fork")
ONE = {"dags/a.py": b"A = 1\n", "dags/lib/b.py": b"B = 1\n", "run.sh": b"#!/bin/sh\n"}


class Machine:
    """A folder that serves, and a store to serve from."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.objects = MemoryObjects()
        self.store = ReleaseStore(self.objects, MemoryRefs())
        self.trees = ServedTrees(base)
        self.opened = 0

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        self.opened += 1
        return (found for blob in blobs for found in self.store.read_all([blob]))  # as late as can be

    def entries(self, files: dict[str, bytes]) -> dict[str, FileEntry]:
        modes = {
            path: (EXECUTABLE if path.endswith(".sh") else REGULAR, data) for path, data in files.items()
        }
        return {entry.path: entry for entry in self.store.write_files(modes)}

    def place(self, name: str, files: dict[str, bytes], previous: str | None = None) -> Path:
        folder = self.base / "trees" / name
        with self.trees.locked():
            before = self.base / "trees" / previous if previous else None
            self.trees.place(folder, self.entries(files), self.read, previous=before)
        return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def as_somebody_else(look: Callable[[], object]) -> str:
    """What a process finds, or the message of its error: of another user where we may become one."""
    answers = FORK.SimpleQueue()

    def child() -> None:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            answers.put(str(look()))
        except UnavailableError as error:
            answers.put(error.message)

    process = FORK.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return str(answers.get())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "bundle")


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def files_of(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != MANIFEST}


class TestPlace:
    def test_tree_has_exactly_the_files(self, machine: Machine) -> None:
        folder = machine.place("one", ONE)
        assert files_of(folder) == ONE
        assert is_whole(folder)

    def test_no_files_is_a_tree_too(self, machine: Machine) -> None:
        folder = machine.place("empty", {})
        assert files_of(folder) == {}
        assert is_whole(folder)

    def test_paths_may_contain_anything_that_a_path_may(self, machine: Machine) -> None:
        files = {"a b:c/é 中.py": b"1", " x": b"2", "-": b"3"}
        folder = machine.place("odd", files)
        assert files_of(folder) == files
        assert is_whole(folder)

    @pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
    def test_modes_do_not_depend_on_the_umask(self, machine: Machine, mask: int) -> None:
        with umask(mask):
            folder = machine.place("one", ONE)
        modes = {
            path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*")
        }
        assert modes == {
            "dags": 0o755,
            "dags/a.py": 0o444,
            "dags/lib": 0o755,
            "dags/lib/b.py": 0o444,
            "run.sh": 0o555,
            MANIFEST: 0o444,
        }
        assert folder.stat().st_mode & 0o777 == 0o755

    def test_folders_above_a_tree_are_open_whatever_the_umask(self, tmp_path: Path) -> None:
        with umask(0o077):
            machine = Machine(tmp_path / "storage" / "bundles" / "prod")
            (tmp_path / "storage").mkdir()  # somebody else's folder stays as it is
            machine.place("one", ONE)
        folders = [path for path in (tmp_path / "storage").rglob("*") if path.is_dir()]

        assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}
        assert (tmp_path / "storage").stat().st_mode & 0o777 == 0o700

    def test_folders_of_an_earlier_umask_are_opened(self, machine: Machine) -> None:
        machine.place("one", ONE)
        for folder in (machine.base, machine.base / "trees"):
            folder.chmod(0o700)
        machine.place("two", ONE)

        assert {path.stat().st_mode & 0o777 for path in (machine.base, machine.base / "trees")} == {0o755}

    def test_a_task_of_another_user_reads_what_a_closed_umask_made(self, open_folder: Path) -> None:
        with umask(0o077):
            machine = Machine(open_folder / "bundles" / "prod")
            tree = machine.place("one", ONE)

        assert as_somebody_else(lambda: is_whole(tree) and (tree / "dags/lib/b.py").read_text()) == "B = 1\n"

    def test_who_cannot_read_is_told_what_and_what_to_do(self, open_folder: Path) -> None:
        tree = Machine(open_folder / "bundles" / "prod").place("one", ONE)
        (open_folder / "bundles").chmod(0o000)

        said = as_somebody_else(lambda: is_whole(tree))
        (open_folder / "bundles").chmod(0o755)

        assert f"{str(tree)!r} cannot be read by the user with id" in said
        assert "`chmod o+rx` on [dag_processor] dag_bundle_storage_path" in said

    def test_folders_are_real_so_that_parents_of_a_file_stay_in_the_tree(self, machine: Machine) -> None:
        folder = machine.place("one", ONE)
        assert (folder / "dags/lib/b.py").resolve().parents[2] == folder.resolve()

    def test_unchanged_files_are_shared(self, machine: Machine) -> None:
        one = machine.place("one", ONE)
        two = machine.place("two", {**ONE, "dags/a.py": b"A = 2\n"})
        assert (one / "dags/lib/b.py").samefile(two / "dags/lib/b.py")
        assert not (one / "dags/a.py").samefile(two / "dags/a.py")

    def test_unchanged_files_keep_their_time(self, machine: Machine) -> None:
        one = machine.place("one", ONE)
        before = (one / "run.sh").stat().st_mtime_ns
        assert (machine.place("two", {**ONE, "x": b""}) / "run.sh").stat().st_mtime_ns == before

    def test_one_content_with_two_modes_is_two_files(self, machine: Machine) -> None:
        folder = machine.place("one", {"a": b"x", "a.sh": b"x"})
        assert [(folder / name).stat().st_mode & 0o777 for name in ("a", "a.sh")] == [0o444, 0o555]

    def test_store_is_not_opened_for_what_the_machine_has(self, machine: Machine) -> None:
        machine.place("one", ONE)
        machine.opened = 0
        machine.place("two", {"moved/a.py": ONE["dags/a.py"]})
        assert machine.opened == 0

    @pytest.mark.parametrize("code", sorted(serving._CANNOT_LINK))
    def test_files_are_copied_where_links_are_impossible(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, code: int
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "link", refuse)
        one = machine.place("one", ONE)
        two = machine.place("two", ONE, previous="one")
        assert files_of(one) == files_of(two) == ONE
        for name in ONE:
            assert (one / name).stat().st_mtime_ns == (two / name).stat().st_mtime_ns
            assert (one / name).stat().st_mode == (two / name).stat().st_mode
            assert not (one / name).samefile(two / name)

    def test_a_copy_that_was_cut_short_is_no_cached_file(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

        def cut(_: object, target: str) -> None:
            Path(target).write_bytes(b"")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as there:
            there.setattr(os, "link", refuse)
            there.setattr(serving.shutil, "copy2", cut)
            with pytest.raises(UnavailableError):
                machine.place("one", ONE)

        assert files_of(machine.place("one", ONE)) == ONE

    def test_other_errors_say_what_to_check(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "link", full)
        with pytest.raises(UnavailableError, match=r"No space left.*dag_bundle_storage_path"):
            machine.place("one", ONE)
        assert not (machine.base / "trees/one").exists()

    def test_a_damaged_blob_is_not_served(self, machine: Machine) -> None:
        entries = machine.entries(ONE)
        machine.objects._by_id[entries["run.sh"].blob] = GitObject(ObjectKind.BLOB, b"evil")
        with pytest.raises(UnavailableError, match="damaged"), machine.trees.locked():
            machine.trees.place(machine.base / "trees/one", entries, machine.read, previous=None)
        assert not (machine.base / "trees/one").exists()


class TestIsWhole:
    def test_missing_folder(self, tmp_path: Path) -> None:
        assert not is_whole(tmp_path / "x")

    def test_empty_folder(self, tmp_path: Path) -> None:
        assert not is_whole(tmp_path)

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").touch()
        assert not is_whole(tmp_path / "x")

    def test_foreign_folder(self, tmp_path: Path) -> None:
        (tmp_path / "dag.py").touch()
        assert not is_whole(tmp_path)

    @pytest.mark.parametrize("lost", ["dags/a.py", "dags/lib/b.py", "dags/lib", "dags", MANIFEST])
    def test_folder_that_a_clean_up_left_half(self, machine: Machine, lost: str) -> None:
        path = machine.place("one", ONE) / lost
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert not is_whole(machine.base / "trees/one")

    def test_what_readers_add_is_no_harm(self, machine: Machine) -> None:
        folder = machine.place("one", ONE)
        py_compile.compile(str(folder / "dags/a.py"))
        assert is_whole(folder)

    @pytest.mark.parametrize("make", ["empty", "half", "foreign"])
    def test_a_bad_folder_is_replaced(self, machine: Machine, make: str) -> None:
        folder = machine.base / "trees/one"
        folder.mkdir(parents=True)
        if make != "empty":
            (folder / "dags").mkdir()
            (folder / ("dags/a.py" if make == "half" else "other.py")).write_bytes(b"?")
        assert files_of(machine.place("one", ONE)) == ONE


def start_anew(patch: pytest.MonkeyPatch) -> None:
    for module in (serving, whole):
        patch.setattr(module, "boot", lambda: "next boot")


class TestPowerCut:
    def test_bytes_are_compared_after_it(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = machine.place("one", ONE)
        (folder / "run.sh").chmod(0o755)
        (folder / "run.sh").write_bytes(b"")
        assert is_whole(folder)
        start_anew(monkeypatch)
        assert not is_whole(folder)
        assert files_of(machine.place("one", ONE)) == ONE

    @pytest.mark.parametrize("length", [0, 1, 20])
    def test_a_list_of_files_that_was_cut_short_is_none(self, machine: Machine, length: int) -> None:
        folder = machine.place("one", ONE)
        data = (folder / MANIFEST).read_bytes()
        (folder / MANIFEST).unlink()
        (folder / MANIFEST).write_bytes(data[:length])
        assert not is_whole(folder)
        assert files_of(machine.place("one", ONE)) == ONE

    def test_only_once_after_each_start(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = machine.place("one", ONE)
        start_anew(monkeypatch)
        assert is_whole(folder)
        monkeypatch.setattr(whole, "differences", lambda _: pytest.fail("read again"))
        assert is_whole(folder)


class TestDifferences:
    def test_writing_into_one_version_is_found_in_all(self, machine: Machine) -> None:
        one, two = machine.place("one", ONE), machine.place("two", ONE)
        (one / "dags/a.py").chmod(0o644)
        (one / "dags/a.py").write_bytes(b"EVIL\n")
        assert differences(one) == differences(two) == ["dags/a.py"]

    def test_intact_tree_has_none(self, machine: Machine) -> None:
        assert differences(machine.place("one", ONE)) == []


class TestByteCode:
    @pytest.fixture
    def compiled(self, machine: Machine) -> Machine:
        one = machine.place("one", ONE)
        for name in ("dags/a.py", "dags/lib/b.py"):
            py_compile.compile(str(one / name))
        return machine

    def test_of_unchanged_files_comes_along(self, compiled: Machine) -> None:
        two = compiled.place("two", {**ONE, "dags/a.py": b"A = 2\n"}, previous="one")
        assert [path.name.split(".")[0] for path in two.rglob("*.pyc")] == ["b"]

    def test_is_what_python_uses(self, compiled: Machine) -> None:
        two = compiled.place("two", ONE, previous="one")
        code = "import a, sys; print(a.A)"
        done = subprocess.run(
            [sys.executable, "-v", "-c", code], cwd=two / "dags", capture_output=True, text=True, check=True
        )
        assert done.stdout == "1\n"
        assert "code object from" in done.stderr
        assert f"matches {two}/dags/a.py" in done.stderr

    def test_of_a_file_of_equal_size_and_second_is_not_run(self, compiled: Machine) -> None:
        two = compiled.place("two", {**ONE, "dags/a.py": b"A = 2\n"}, previous="one")
        time = (compiled.base / "trees/one/dags/a.py").stat().st_mtime_ns
        os.utime(two / "dags/a.py", ns=(time, time))
        done = subprocess.run(
            [sys.executable, "-c", "import a; print(a.A)"],
            cwd=two / "dags",
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "2\n"

    def test_never_reaches_the_cache(self, compiled: Machine) -> None:
        assert not list((compiled.base / "blobs").rglob("*.pyc"))

    def test_names_with_dots_and_optimised_code_are_understood(self, machine: Machine) -> None:
        one = machine.place("one", {"my.dag.py": b"A = 1\n"})
        py_compile.compile(str(one / "my.dag.py"), optimize=2)
        two = machine.place("two", {"my.dag.py": b"A = 1\n"}, previous="one")
        tag = sys.implementation.cache_tag
        assert [path.name for path in two.rglob("*.pyc")] == [f"my.dag.{tag}.opt-2.pyc"]

    def test_previous_may_be_gone(self, machine: Machine) -> None:
        assert is_whole(machine.place("one", ONE, previous="gone"))


class TestSwitch:
    def test_a_reader_sees_one_version_or_the_other(self, machine: Machine) -> None:
        link, version = machine.base / "current", machine.base / "trees"
        for name, value in (("one", b"1"), ("two", b"2")):
            machine.place(name, {"a": value})
        with machine.trees.locked():
            machine.trees.switch(link, version / "one")
        stop = FORK.Event()

        def read() -> None:
            while not stop.is_set():
                assert (link / "a").read_bytes() in {b"1", b"2"}

        reader = FORK.Process(target=read)
        reader.start()
        for number in range(200):
            with machine.trees.locked():
                machine.trees.switch(link, version / ("one", "two")[number % 2])
        stop.set()
        reader.join(20)
        assert reader.exitcode == 0

    def test_link_is_relative_so_that_the_storage_can_move(self, machine: Machine) -> None:
        folder = machine.place("one", ONE)
        with machine.trees.locked():
            machine.trees.switch(machine.base / "current", folder)
        moved = machine.base.rename(machine.base.with_name("moved"))
        assert files_of(moved / "current") == ONE


class TestPrune:
    def test_removes_trees_and_files_that_nothing_needs(self, machine: Machine) -> None:
        machine.place("one", {"a": b"1", "b": b"1", "c": b"old"})
        two = machine.place("two", {"a": b"1", "c": b"new"})
        with machine.trees.locked():
            machine.trees.prune(machine.base / "trees", keep=[two])
        assert [path.name for path in (machine.base / "trees").iterdir()] == ["two"]
        assert sorted(path.read_bytes() for path in (machine.base / "blobs").glob("?/*")) == [b"1", b"new"]
        assert is_whole(two)

    def test_keeps_the_cache_of_a_kept_tree_of_copies(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        one = machine.place("one", {"a": b"1"})
        with machine.trees.locked():
            machine.trees.prune(machine.base / "trees", keep=[one])
        assert len(list((machine.base / "blobs").glob("?/*"))) == 1


class TestCrash:
    @pytest.mark.parametrize("moment", ["write_manifest", "_link_byte_code"])
    def test_killed_while_building_leaves_nothing_good_looking(self, machine: Machine, moment: str) -> None:
        machine.place("zero", {"z": b""})

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def child() -> None:
            setattr(serving, moment, die)
            machine.place("one", ONE, previous="zero")

        process = FORK.Process(target=child)
        process.start()
        process.join(20)
        assert process.exitcode == -signal.SIGKILL
        assert not (machine.base / "trees/one").exists()
        assert list((machine.base / "building").iterdir())
        assert files_of(machine.place("one", ONE)) == ONE
        assert not list((machine.base / "building").iterdir())


def test_serving_needs_no_git_library() -> None:
    code = (
        "import sys, airflow_release_plugin.store.serving, airflow_release_plugin.store.versions; "
        "sys.exit(any(name.split('.')[0] in {'dulwich', 'git', 'pygit2'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
