"""Bundles that are as they should be: what goes in comes out, whole and in little memory, or nothing does."""

from __future__ import annotations

import random
import resource
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import airflow.example_dags
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_release_plugin.domain.bundle.manifest import BundleBase, BundleFile
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR
from airflow_release_plugin.domain.tree.paths import clash, path_problem
from airflow_release_plugin.exceptions import (
    BundleManifestError,
    BundleTooLargeError,
    BundleUnsafeError,
    NotFoundError,
    StoreUnavailableError,
    TransferUnavailableError,
)
from airflow_release_plugin.transfer.limits import BundleLimits
from airflow_release_plugin.transfer.reader import open_bundle
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle
from tests.harness.bundles import CONTENT, KEY, NOON, TRUSTED, bundle_files, manifest_of, write

pytestmark = pytest.mark.req("R52", "R58")
MEBIBYTE = 1024 * 1024

paths = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1, max_size=12),
    min_size=1,
    max_size=4,
).map("/".join)
trees = st.dictionaries(
    paths.filter(lambda path: not path_problem(path)),
    st.tuples(st.sampled_from([REGULAR, EXECUTABLE]), st.binary(max_size=2000)),
    max_size=8,
).filter(lambda tree: not clash([*tree, "dag.py"]))


def read_all(path: Path) -> dict[str, tuple[int, bytes]]:
    with open_bundle(path, trusted=[TRUSTED], now=NOON) as bundle:
        return {file.path: (file.mode, b"".join(chunks)) for file, chunks in bundle.files()}


@given(tree=trees)
@settings(max_examples=100)
def test_any_tree_survives_byte_for_byte(tree: dict[str, tuple[int, bytes]], tmp_path: Path) -> None:
    tree = {**tree, "dag.py": (REGULAR, b"dag")}
    files = [SourceFile(path, mode, [data[:7], data[7:]]) for path, (mode, data) in sorted(tree.items())]

    made = write_bundle(tmp_path / "b.dagbundle", files=files, manifest=manifest_of, key=KEY)

    assert read_all(tmp_path / "b.dagbundle") == tree
    with open_bundle(tmp_path / "b.dagbundle", trusted=[TRUSTED], now=NOON) as bundle:
        assert (bundle.manifest, bundle.key) == (made, TRUSTED)


def test_files_can_be_read_one_by_one_and_side_by_side(tmp_path: Path) -> None:
    with open_bundle(write(tmp_path / "b.dagbundle"), trusted=[TRUSTED], now=NOON) as bundle:
        bundle.verify()
        streams = [bundle.stream(path) for path in ("etl.py", "sql/orders.sql")]

        assert [next(stream) for stream in streams] == [CONTENT["etl.py"], CONTENT["sql/orders.sql"]]
        assert bundle.read("shop/tables.py") == CONTENT["shop/tables.py"]
        with pytest.raises(NotFoundError, match=r"no file 'manifest\.json'"):
            bundle.read("manifest.json")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a").read_bytes() == write(tmp_path / "b").read_bytes()


def test_any_zip_program_reads_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "b.dagbundle")) as archive:
        assert archive.testzip() is None
        assert archive.read("dags/etl.py") == CONTENT["etl.py"]
        assert archive.namelist() == [
            *(f"dags/{path}" for path in CONTENT),
            "manifest.json",
            "attestation.dsse.json",
        ]
        assert {info.external_attr >> 16 for info in archive.infolist()} == {REGULAR}


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert write(tmp_path / "b.dagbundle").stat().st_mode & 0o777 == 0o600


def test_an_incremental_bundle_names_files_that_it_does_not_hold(tmp_path: Path) -> None:
    old = replace(bundle_files({"shop/old.py": b"as it was"})[0], included=False)
    base = BundleBase("bundle-0", "b" * 40)

    def manifest(written: tuple[BundleFile, ...]) -> object:
        return manifest_of(sorted([*written, old], key=lambda file: file.path), base=base)

    files = [SourceFile("etl.py", REGULAR, [b"new"])]
    made = write_bundle(tmp_path / "b.dagbundle", files=files, manifest=manifest, key=KEY)  # type: ignore[arg-type]

    assert [file.path for file in made.files] == ["etl.py", "shop/old.py"]
    assert read_all(tmp_path / "b.dagbundle") == {"etl.py": (REGULAR, b"new")}


class TestNothingIsLeftBehind:
    def refused(self, tmp_path: Path, error: type[Exception], match: str, **changes: object) -> None:
        arguments: dict[str, object] = {
            "files": [SourceFile(path, REGULAR, [data]) for path, data in CONTENT.items()],
            "manifest": manifest_of,
            "key": KEY,
            **changes,
        }
        with pytest.raises(error, match=match):
            write_bundle(tmp_path / "b.dagbundle", **arguments)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []

    def test_when_there_is_no_room_for_it(self, tmp_path: Path) -> None:
        files = [SourceFile("etl.py", REGULAR, [random.Random(1).randbytes(MEBIBYTE)])]
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (MEBIBYTE // 2, before[1]))
        try:
            self.refused(tmp_path, TransferUnavailableError, "cannot be written: File too large", files=files)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_when_the_source_of_the_content_breaks(self, tmp_path: Path) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"half"
            raise StoreUnavailableError("The store went away.")

        files = [SourceFile("etl.py", REGULAR, chunks())]

        self.refused(tmp_path, StoreUnavailableError, "went away", files=files)

    def test_when_the_manifest_names_another_file(self, tmp_path: Path) -> None:
        def manifest(_: object) -> object:
            return manifest_of(bundle_files({"etl.py": b"other"}))

        self.refused(tmp_path, BundleManifestError, "other files", manifest=manifest)

    def test_when_the_manifest_contradicts_itself(self, tmp_path: Path) -> None:
        def manifest(written: tuple[BundleFile, ...]) -> object:
            return manifest_of(written, expires=NOON - timedelta(days=1))

        self.refused(tmp_path, BundleManifestError, "expires before it was created", manifest=manifest)

    def test_when_a_name_cannot_travel(self, tmp_path: Path) -> None:
        files = [SourceFile("../etl.py", REGULAR, [b""])]

        self.refused(tmp_path, BundleUnsafeError, r"'\.\.' part", files=files)

    def test_when_names_clash(self, tmp_path: Path) -> None:
        files = [SourceFile(path, REGULAR, [b""]) for path in ("Etl.py", "etl.py")]

        self.refused(tmp_path, BundleUnsafeError, "get into each other's way", files=files)

    def test_when_files_come_in_another_order(self, tmp_path: Path) -> None:
        files = [SourceFile(path, REGULAR, [b""]) for path in ("etl.py", "dag.py")]

        self.refused(tmp_path, ValueError, "sorted by path", files=files)

    @pytest.mark.parametrize(
        ("limits", "match"),
        [
            (BundleLimits(file=100), r"'dags/etl.py' has 960 bytes; at most 100"),
            (BundleLimits(total=1000), "content of the bundle has"),
            (BundleLimits(document=50), "manifest.json has"),
            (BundleLimits(members=3), "has 4 files; at most 3"),
            (BundleLimits(archive=200), "at most 200 are accepted"),
            (BundleLimits(small=10, ratio=1), "more than 1 times as many"),
        ],
        ids=["file", "total", "document", "members", "archive", "ratio"],
    )
    def test_when_it_exceeds_a_limit(self, tmp_path: Path, limits: BundleLimits, match: str) -> None:
        self.refused(tmp_path, BundleTooLargeError, match, limits=limits)

    def test_when_the_folder_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(TransferUnavailableError, match="No such file or directory"):
            write(tmp_path / "gone" / "b.dagbundle")


def test_a_failed_write_leaves_the_former_bundle_of_that_name(tmp_path: Path) -> None:
    before = write(tmp_path / "b.dagbundle").read_bytes()

    with pytest.raises(BundleUnsafeError):
        write(tmp_path / "b.dagbundle", {"a\\b.py": b""})

    assert (tmp_path / "b.dagbundle").read_bytes() == before


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    for path, match in ((tmp_path / "gone", "No such file"), (tmp_path, "directory")):
        with (
            pytest.raises(TransferUnavailableError, match=match),
            open_bundle(path, trusted=[TRUSTED], now=NOON),
        ):
            pass


def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(MEBIBYTE)

    def chunks() -> Iterator[bytes]:
        yield from (noise for _ in range(15))

    files = [SourceFile(path, REGULAR, chunks()) for path in ("a.bin", "dag.py")]
    tracemalloc.start()
    try:
        write_bundle(tmp_path / "b.dagbundle", files=files, manifest=manifest_of, key=KEY)
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with open_bundle(tmp_path / "b.dagbundle", trusted=[TRUSTED], now=NOON) as bundle:
            bundle.verify()
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (tmp_path / "b.dagbundle").stat().st_size > 30 * MEBIBYTE
    assert max(written, read) < 4 * MEBIBYTE


def test_airflows_own_example_dags_survive_byte_for_byte(tmp_path: Path) -> None:
    folder = Path(airflow.example_dags.__file__).parent
    content = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(content) > 50

    write(tmp_path / "b.dagbundle", content)

    assert {path: data for path, (_, data) in read_all(tmp_path / "b.dagbundle").items()} == content
