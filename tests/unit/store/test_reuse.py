"""A tree that is served no longer becomes the next one, which is what it would be if it were built anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.store.whole import differences, is_whole
from tests.unit.store.test_serving import Machine, files_of, machine

__all__ = ["machine"]  # a fixture
pytestmark = pytest.mark.req("R76")
OLD = {"dags/a.py": b"A = 1\n", "dags/b.py": b"B = 1\n", "lib/c/d.py": b"D = 1\n", "run.sh": b"#!/bin/sh\n"}


def reused(machine: Machine, files: dict[str, bytes], old: dict[str, bytes] = OLD) -> Path:
    """A tree of ``files``, made of the one that has ``old``."""
    return next_tree(machine, files, tree_of(machine, old))


def tree_of(machine: Machine, files: dict[str, bytes]) -> Path:
    return machine.place("old", files)


def next_tree(machine: Machine, files: dict[str, bytes], old: Path) -> Path:
    folder = machine.base / "trees/new"
    with machine.trees.locked():
        machine.trees.place(folder, machine.entries(files), machine.read, previous=None, reuse=old)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"dags/a.py": b"A = 2\n"},
        {"dags/a.py": None},
        {"lib/c/d.py": None},
        {"dags/new.py": b"", "more/deep/er.py": b"E = 1\n"},
        {"dags/a.py": OLD["dags/b.py"], "dags/b.py": OLD["dags/a.py"]},
        {"lib/c/d.py": None, "lib/c": b"now a file"},
        {"run.sh": None, "run.sh/x.py": b"now a folder"},
        {"run.sh": None, "run.py": OLD["run.sh"]},
        dict.fromkeys(OLD),
    ],
)
def test_it_is_what_it_would_be_anew(machine: Machine, change: dict[str, bytes | None]) -> None:
    files = {path: data for path, data in {**OLD, **change}.items() if data is not None}

    folder = reused(machine, files)

    assert files_of(folder) == files
    assert is_whole(folder)
    assert not differences(folder)
    assert not (machine.base / "trees/old").exists()
    anew = machine.place("anew", files)
    for path in (*anew.rglob("*"), anew):
        twin = folder / path.relative_to(anew)
        assert twin.stat().st_mode == path.stat().st_mode
        assert path.is_dir() or path.name == MANIFEST or twin.samefile(path)
    assert {path.name for path in folder.rglob("*")} == {path.name for path in anew.rglob("*")}


def test_only_what_is_new_is_linked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tree_of(machine, OLD)
    linked = []
    link = os.link
    monkeypatch.setattr(os, "link", lambda source, to: (linked.append(str(to)), link(source, to)))

    next_tree(machine, {**OLD, "dags/again.py": OLD["dags/a.py"]}, old)

    assert [Path(target).name for target in linked] == ["again.py"]


def test_what_somebody_did_to_the_old_tree_does_not_come_along(machine: Machine) -> None:
    old = tree_of(machine, OLD)
    replaced = old / "dags/a.py"
    times = replaced.stat()
    replaced.unlink()
    replaced.write_bytes(b"A = 9\n")  # as many bytes, at the same moment
    os.utime(replaced, ns=(times.st_atime_ns, times.st_mtime_ns))
    (old / "dags/evil.py").write_bytes(b"")
    (old / "dags/__pycache__").mkdir()
    (old / "dags/__pycache__/evil.py").write_bytes(b"")
    (old / "evil").mkdir()
    (old / "evil/x.py").write_bytes(b"")
    (old / "run.sh").unlink()
    (old / "run.sh").symlink_to("/bin/sh")
    (old / "lib/c/d.py").unlink()
    (old / "lib/c").rmdir()
    (old / "lib/c").symlink_to(old / "evil")

    folder = next_tree(machine, OLD, old)

    assert files_of(folder) == OLD
    assert not differences(folder)
    assert not any(path.is_symlink() or "evil" in path.name for path in folder.rglob("*"))


def test_byte_code_stays_with_what_did_not_change(machine: Machine) -> None:
    old = tree_of(machine, OLD)
    cache = old / "dags/__pycache__"
    cache.mkdir()
    for name in ("a.cpython-311.pyc", "b.cpython-311.pyc", "gone.cpython-311.pyc"):
        (cache / name).write_bytes(b"")

    folder = next_tree(machine, {**OLD, "dags/a.py": b"A = 2\n"}, old)

    assert [path.name for path in folder.rglob("*.pyc")] == ["b.cpython-311.pyc"]


def test_one_that_is_gone_is_no_hindrance(machine: Machine) -> None:
    folder = next_tree(machine, OLD, machine.base / "trees/never")

    assert files_of(folder) == OLD


def test_a_store_that_is_away_leaves_nothing_half_made(machine: Machine) -> None:
    new = {**OLD, "dags/a.py": b"A = 2\n"}
    old = tree_of(machine, OLD)

    def away(_: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        raise UnavailableError("away")

    folder = machine.base / "trees/new"
    with pytest.raises(UnavailableError), machine.trees.locked():
        machine.trees.place(folder, machine.entries(new), away, previous=None, reuse=old)

    assert not folder.exists()
    assert files_of(next_tree(machine, new, old)) == new


def test_content_that_only_the_old_tree_had_leaves_the_cache(machine: Machine) -> None:
    folder = reused(machine, {"dags/b.py": OLD["dags/b.py"]})
    with machine.trees.locked():
        machine.trees.prune(folder.parent, keep=[folder])

    cached = [path for path in (machine.base / "blobs").rglob("*") if path.is_file() and path.name != "boot"]
    assert len(cached) == 1
