"""One rule for names of files: whatever one door lets in, all others take."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.domain.bundle.manifest_rules import require_sound
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id
from airflow_release_plugin.exceptions import (
    BundleUnsafeError,
    DamagedAnswerError,
    InvalidRequestError,
    UnitError,
)
from airflow_release_plugin.store.memory import memory_store
from airflow_release_plugin.store.message import CommitMessage, encode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.serving import ServedTrees
from airflow_release_plugin.store.tree_proof import proven_files
from airflow_release_plugin.store.trees import encode
from tests.harness.bundles import bundle_files, manifest_of
from tests.harness.file_names import CAN_TRAVEL, CANNOT_TRAVEL

DATA = b"x = 1\n"


def submit(path: str, folder: Path) -> None:
    """Into a unit, or by the adoption of a folder: both read it through this."""
    FolderFiles(folder, max_file_bytes=100).entry(path)


def store(path: str, folder: Path) -> None:
    memory_store().write_files({path: (REGULAR, DATA)})


def carry(path: str, folder: Path) -> None:
    """In a bundle, written or read."""
    require_sound(manifest_of(bundle_files({"etl.py": DATA, path: DATA})))


def serve(path: str, folder: Path) -> None:
    """To Airflow, and to the check."""
    trees = ServedTrees(folder / "served")
    entry = FileEntry(path, REGULAR, blob_id(DATA), len(DATA))
    with trees.locked():
        trees.place(folder / "tree", {path: entry}, lambda blobs: ((b, DATA) for b in blobs), previous=None)
    assert (folder / "tree" / path).read_bytes() == DATA


def tree_of(path: str) -> str:
    """Id of a tree with that file; half a surrogate pair fits into none."""
    item = (REGULAR, blob_id(DATA))
    for name in reversed(path.replace("\ud800", "?").split("/")):
        item = (0o40000, encode({name: item}).id)
    return item[1]


def deliver(path: str, folder: Path) -> None:
    """To a machine that fetches a version over HTTP."""
    now = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    content = encode_commit(
        tree=tree_of(path), parents=[], author="ann", time=now, message=CommitMessage("v1")
    )
    commit = GitObject(ObjectKind.COMMIT, content).id
    assert path in proven_files(commit, content, [FileEntry(path, REGULAR, blob_id(DATA), len(DATA))])


DOORS: list[Callable[[str, Path], None]] = [submit, store, carry, serve, deliver]
REFUSALS = (UnitError, InvalidRequestError, BundleUnsafeError, DamagedAnswerError)


@pytest.mark.parametrize("path", CAN_TRAVEL)
@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_can_travel_passes_every_door(path: str, door: Callable[[str, Path], None]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if door is submit:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(DATA)
        door(path, folder)


@pytest.mark.parametrize(("path", "reason"), CANNOT_TRAVEL, ids=ascii)
@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_cannot_is_refused_at_every_door_with_the_same_reason(
    path: str, reason: str, door: Callable[[str, Path], None], tmp_path: Path
) -> None:
    with pytest.raises(REFUSALS) as refusal:
        door(path, tmp_path)
    assert reason in str(refusal.value)
    assert not (tmp_path / "tree").exists() or not list((tmp_path / "tree").iterdir())
