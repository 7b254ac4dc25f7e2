"""What a snapshot of a folder would hold, and what is left out of it, with the reason."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_release_plugin.analysis import stat_memo, tree_scan
from airflow_release_plugin.analysis.source_files import AnalysisCache, FolderFiles
from airflow_release_plugin.analysis.tree_scan import ScanLimits, TreeScan
from airflow_release_plugin.domain.tree.files import EXECUTABLE, blob_id
from tests.harness.privileges import unprivileged

LIMIT = 1000
FILES = {"etl.py": b"x = 1\n", "lib/a.py": b"a\n", "lib/sql/q.sql": b"select 1\n", ".airflowignore": b"lib\n"}


@pytest.fixture
def root() -> Iterator[Path]:
    """Not below pytest's own folder, which only its user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "dags"
        for path, data in FILES.items():
            write(folder, path, data)
        for open_to_all in (Path(name), folder):
            open_to_all.chmod(0o755)
        yield folder


def write(root: Path, path: str, data: bytes = b"x") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)


def scan(root: Path, *ignore: str, **limits: int) -> TreeScan:
    files = FolderFiles(root, max_file_bytes=LIMIT)
    return tree_scan.scan(files, ScanLimits(ignore, **limits))


def test_every_file_is_there_with_what_it_holds(root: Path) -> None:
    (root / "etl.py").chmod(0o755)
    files = FolderFiles(root, max_file_bytes=LIMIT)
    found = tree_scan.scan(files, ScanLimits())

    known = tree_scan.entries(files, found)

    assert {path: entry.blob for path, entry in known.items()} == {p: blob_id(d) for p, d in FILES.items()}
    assert [path for path, entry in known.items() if entry.mode == EXECUTABLE] == ["etl.py"]
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("path", "left_out", "reason"),
    [
        ("etl.py~", "etl.py~", "left behind by an editor"),
        ("lib/.q.sql.swp", "lib/.q.sql.swp", "left behind by an editor"),
        (".git/config", ".git", "left behind"),
        ("nb/.ipynb_checkpoints/a.ipynb", "nb/.ipynb_checkpoints", "left behind"),
        ("lib/old.pyc", "lib/old.pyc", "left behind"),
        ("web/node_modules/x/y.js", "web/node_modules", "node_modules is in [release] snapshot_ignore"),
        ("data/raw/a.bin", "data/raw", "data/** is in [release] snapshot_ignore"),
        ("env/pyvenv.cfg", "env", "a virtual environment"),
        ("a\\b.sql", "a\\b.sql", "cannot travel: it contains a backslash"),
        ("a\nb.sql", "a\nb.sql", "cannot travel: it contains a control character"),
        (os.fsdecode(b"caf\xe9.sql"), "caf\\udce9.sql", "cannot travel: it is not valid UTF-8"),
    ],
)
def test_what_does_not_belong_is_left_out_with_the_reason(
    root: Path, path: str, left_out: str, reason: str
) -> None:
    write(root, path)

    found = scan(root, "node_modules", "data/**")

    assert found.files.keys() == FILES.keys()
    assert list(found.left_out) == [left_out]
    assert reason in found.left_out[left_out]
    found.left_out[left_out].encode(), left_out.encode()  # both can be stored


def test_byte_code_is_left_out_without_a_word(root: Path) -> None:
    write(root, "lib/__pycache__/a.cpython-312.pyc")

    assert (scan(root).files.keys(), scan(root).left_out) == (FILES.keys(), {})


def test_a_large_file_is_left_out_with_both_numbers(root: Path) -> None:
    write(root, "data.csv", b"x" * (LIMIT + 1))

    assert scan(root).left_out == {"data.csv": "has 1001 bytes; the limit is 1000 ([release] max_file_bytes)"}


def test_the_largest_are_left_out_until_the_rest_fits(root: Path) -> None:
    for name, size in (("a.bin", 500), ("b.bin", 700), ("c.bin", 300)):
        write(root, name, b"x" * size)

    found = scan(root, max_bytes=850)

    assert sorted(found.left_out) == ["b.bin"]
    assert "max_snapshot_bytes" in found.left_out["b.bin"]
    assert found.files.keys() == {*FILES, "a.bin", "c.bin"}


def test_a_folder_that_would_be_too_many_files_is_left_out(root: Path) -> None:
    for number in range(20):
        write(root, f"many/{number}.sql")

    assert list(scan(root, max_files=20).left_out) == ["many"]


class TestLinks:
    def test_inside_counts_as_what_it_points_at(self, root: Path) -> None:
        (root / "other").symlink_to("lib", target_is_directory=True)
        (root / "etl2.py").symlink_to(root / "etl.py")

        assert scan(root).files.keys() == {*FILES, "etl2.py", "other/a.py", "other/sql/q.sql"}

    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            ("/etc/hostname", "a link that leaves the source"),
            ("/etc", "a link that leaves the source"),
            ("../..", "a link that leaves the source"),
            ("nowhere", "a link to nothing"),
            ("/nowhere", "a link to nothing"),
            (".", "a link to a folder above itself"),
            ("odd", "cannot be read: Too many levels of symbolic links"),
            (".git/config", "a link to .git/config"),
        ],
    )
    def test_others_are_left_out(self, root: Path, target: str, reason: str) -> None:
        write(root, ".git/config")
        (root / "odd").symlink_to(target)

        found = scan(root)

        assert found.left_out.pop(".git")
        assert (found.files.keys(), found.left_out) == (FILES.keys(), {"odd": reason})

    def test_folders_that_link_to_each_other_end(self, root: Path) -> None:
        for here, there in (("lib", "../team"), ("team", "../lib")):
            write(root, f"{here}/x.py")
            (root / here / "again").symlink_to(there, target_is_directory=True)

        found = scan(root)

        assert {"lib/again/x.py", "team/again/x.py"} <= found.files.keys()
        assert found.left_out == dict.fromkeys(
            ["lib/again/again", "team/again/again"], "a link to a folder above itself"
        )


class TestNoFiles:
    def test_a_socket_and_a_fifo(self, root: Path) -> None:
        os.mkfifo(root / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(root / "s"))
            assert scan(root).left_out == {"pipe": "a fifo", "s": "a socket"}

    def test_what_may_not_be_read(self, root: Path) -> None:
        write(root, "secret/a.py")
        (root / "secret").chmod(0)
        (root / "etl.py").chmod(0)
        with unprivileged():
            files = FolderFiles(root, max_file_bytes=LIMIT)
            found = tree_scan.scan(files, ScanLimits())
            known = tree_scan.entries(files, found)
        (root / "secret").chmod(0o755)

        assert known.keys() == found.files.keys() == FILES.keys() - {"etl.py"}
        assert found.left_out["secret"] == "cannot be read: Permission denied"
        assert "Permission denied" in found.left_out["etl.py"]


class TestSettled:
    def test_a_scan_right_after_a_change_is_not(self, root: Path) -> None:
        assert not scan(root).is_settled

    def test_a_scan_of_what_rested_is_and_reads_no_file_again(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = AnalysisCache()
        later(monkeypatch)
        first = FolderFiles(root, max_file_bytes=LIMIT, cache=cache)
        known = tree_scan.entries(first, tree_scan.scan(first, ScanLimits()))

        again = FolderFiles(root, max_file_bytes=LIMIT, cache=cache)
        found = tree_scan.scan(again, ScanLimits())
        monkeypatch.setattr(FolderFiles, "_bytes", lambda files, path: pytest.fail(f"{path} was read"))

        assert found.is_settled
        assert tree_scan.entries(again, found) == known

    @pytest.mark.parametrize(
        "change", [lambda root: write(root, "new.py"), lambda root: (root / "etl.py").unlink()]
    )
    def test_what_came_or_went_just_now_is_noticed(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
    ) -> None:
        newest = max(path.stat().st_ctime_ns for path in (root, *root.rglob("*")))
        while time.time_ns() < newest + 2 * tree_scan._FINE_NS:  # no call sets the time of a change
            time.sleep(0.01)
        assert scan(root).is_settled
        change(root)
        moment = root.stat().st_ctime_ns
        monkeypatch.setattr(stat_memo.time, "time_ns", lambda: moment)
        assert not scan(root).is_settled


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of this process be an hour ahead of the files."""
    now = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr(stat_memo.time, "time_ns", lambda: now)
