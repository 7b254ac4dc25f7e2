from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from airflow_release_plugin.analysis import stat_memo
from airflow_release_plugin.analysis.globs import glob_expression
from airflow_release_plugin.analysis.source_files import (
    AnalysisCache,
    FolderFiles,
    SourceFiles,
    TreeFiles,
)
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, blob_id
from airflow_release_plugin.exceptions import UnitError
from tests.harness.mapping_files import MappingFiles
from tests.harness.privileges import unprivileged

LIMIT = 1000
CONTENT = {"a.py": b"x = 1\n", "pkg/__init__.py": b"", "pkg/sub/b.sql": b"select 1\n"}


def folder(root: Path, cache: AnalysisCache | None = None) -> FolderFiles:
    return FolderFiles(root, max_file_bytes=LIMIT, cache=cache)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, data in CONTENT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return tmp_path


@pytest.fixture(params=["folder", "mapping", "tree"])
def files(request: pytest.FixtureRequest, tree: Path) -> SourceFiles:
    if request.param == "folder":
        return folder(tree)
    if request.param == "mapping":
        return MappingFiles(CONTENT)
    blobs = {blob_id(data): data for data in CONTENT.values()}
    entries = {path: FileEntry(path, REGULAR, blob_id(data), len(data)) for path, data in CONTENT.items()}
    return TreeFiles(entries, blobs.__getitem__)


class TestEveryKind:
    def test_entry_describes_the_bytes(self, files: SourceFiles) -> None:
        assert files.entry("a.py") == FileEntry("a.py", REGULAR, blob_id(b"x = 1\n"), 6)

    def test_read_returns_the_bytes(self, files: SourceFiles) -> None:
        assert files.read("pkg/sub/b.sql") == b"select 1\n"

    def test_names_tell_files_from_folders(self, files: SourceFiles) -> None:
        assert dict(files.names("")) == {"a.py": False, "pkg": True}

    @pytest.mark.parametrize("path", ["pkg", "nothing", "a.py/x", "pkg/sub"])
    def test_only_files_are_files(self, files: SourceFiles, path: str) -> None:
        assert not files.is_file(path)

    def test_walk_yields_all_files_below(self, files: SourceFiles) -> None:
        assert list(files.walk("pkg")) == ["pkg/__init__.py", "pkg/sub/b.sql"]

    def test_a_folder_is_taken_without_what_editors_leave(self, tree: Path) -> None:
        for leaving in ("a.sql~", ".b.sql.swp", ".DS_Store", ".ipynb_checkpoints/b.sql", "old.pyc"):
            (tree / "pkg/sub" / leaving).parent.mkdir(exist_ok=True)
            (tree / "pkg/sub" / leaving).write_text("x")
        files = folder(tree)
        assert (list(files.walk("pkg/sub")), files.glob("pkg/sub/**")) == (
            ["pkg/sub/b.sql"],
            ("pkg/sub/b.sql",),
        )
        assert files.read("pkg/sub/a.sql~") == b"x", "code that names one by itself gets it"

    def test_glob_crosses_folders_with_two_stars_only(self, files: SourceFiles) -> None:
        assert (files.glob("pkg/*"), files.glob("**/*.sql")) == (("pkg/__init__.py",), ("pkg/sub/b.sql",))

    @pytest.mark.parametrize("path", ["gone.py", "pkg"])
    def test_a_missing_file_is_named(self, files: SourceFiles, path: str) -> None:
        with pytest.raises(UnitError, match=path):
            files.entry(path)


class TestFolder:
    def test_the_executable_bit_is_kept(self, tree: Path) -> None:
        (tree / "a.py").chmod(0o755)

        assert folder(tree).entry("a.py").mode == EXECUTABLE

    def test_a_file_over_the_limit_is_refused_with_both_numbers(self, tree: Path) -> None:
        (tree / "big.csv").write_bytes(b"x" * (LIMIT + 1))

        with pytest.raises(UnitError, match=r"'big.csv' has 1001 bytes; the limit is 1000"):
            folder(tree).entry("big.csv")

    def test_a_link_inside_the_root_counts_as_its_content(self, tree: Path) -> None:
        (tree / "link.py").symlink_to("a.py")

        assert folder(tree).entry("link.py") == FileEntry("link.py", REGULAR, blob_id(b"x = 1\n"), 6)

    def test_a_linked_folder_inside_the_root_can_be_read(self, tree: Path) -> None:
        (tree / "other").symlink_to("pkg", target_is_directory=True)

        assert folder(tree).read("other/sub/b.sql") == b"select 1\n"

    def test_a_link_that_leaves_the_root_is_refused(
        self, tree: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside") / "secret.sql"
        outside.write_text("select 1")
        (tree / "link.sql").symlink_to(outside)

        with pytest.raises(UnitError, match=r"'link.sql' is a symbolic link that leaves"):
            folder(tree).entry("link.sql")

    def test_a_folder_that_leaves_the_root_is_refused(
        self, tree: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        (tree / "lib").symlink_to(tmp_path_factory.mktemp("outside"), target_is_directory=True)

        with pytest.raises(UnitError, match=r"'lib' is a symbolic link that leaves"):
            folder(tree).is_file("lib/x.py")

    def test_a_root_that_is_a_link_itself_is_fine(
        self, tree: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        root = tmp_path_factory.mktemp("links") / "current"
        root.symlink_to(tree, target_is_directory=True)
        (tree / "link.py").symlink_to(root / "a.py")

        assert folder(root).read("link.py") == b"x = 1\n"

    def test_links_in_a_circle_do_not_end_in_a_loop(self, tree: Path) -> None:
        (tree / "pkg" / "again").symlink_to("..", target_is_directory=True)
        (tree / "one").symlink_to("two")
        (tree / "two").symlink_to("one")

        assert list(folder(tree).walk("")) == sorted(CONTENT)

    def test_a_fifo_is_refused(self, tree: Path) -> None:
        os.mkfifo(tree / "pipe.sql")

        with pytest.raises(UnitError, match=r"'pipe.sql' is a fifo"):
            folder(tree).entry("pipe.sql")

    @pytest.mark.parametrize("name", [b"caf\xe9.sql", b"a\\b.sql", b"a\nb.sql"])
    def test_a_name_that_cannot_travel_is_refused(self, tree: Path, name: bytes) -> None:
        (tree / os.fsdecode(name)).write_bytes(b"")

        with pytest.raises(UnitError, match="rename it"):
            folder(tree).entry(os.fsdecode(name))

    def test_git_and_byte_code_do_not_exist(self, tree: Path) -> None:
        for name in (".git", "__pycache__", "pkg/__pycache__"):
            (tree / name).mkdir()
            (tree / name / "x.py").write_text("")

        assert list(folder(tree).walk("")) == sorted(CONTENT)
        assert not folder(tree).is_file(".git/x.py")

    def test_a_file_that_changes_while_it_is_read_is_refused(self, tree: Path) -> None:
        files = folder(tree)
        files.entry("a.py")
        (tree / "a.py").write_bytes(b"y = 2\n")

        with pytest.raises(UnitError, match=r"'a.py' changed while it was read"):
            files.read("a.py")

    def test_an_absolute_path_below_the_root_is_located(self, tree: Path) -> None:
        assert folder(tree).locate(f"{tree}/pkg/../a.py") == "a.py"

    def test_an_absolute_path_elsewhere_is_not(self, tree: Path) -> None:
        assert folder(tree).locate(f"{tree}2/a.py") is None

    def test_an_unreadable_file_is_named(self) -> None:
        # Not below pytest's own folder, which only its user may enter.
        with tempfile.TemporaryDirectory() as name:
            open_to_all = Path(name)
            open_to_all.chmod(0o755)
            (open_to_all / "a.py").write_text("")
            (open_to_all / "a.py").chmod(0)

            with unprivileged(), pytest.raises(UnitError, match=r"'a.py' cannot be read"):
                folder(open_to_all).entry("a.py")


class TestCache:
    def test_a_file_that_changed_just_now_is_hashed_again(self, tree: Path) -> None:
        cache = AnalysisCache()
        before = folder(tree, cache).entry("a.py")
        stat = (tree / "a.py").stat()
        (tree / "a.py").write_bytes(b"x = 2\n")
        os.utime(tree / "a.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))

        assert folder(tree, cache).entry("a.py").blob != before.blob

    def test_equal_content_is_analysed_once(self) -> None:
        cache, calls = AnalysisCache(), []

        def count(data: bytes) -> int:
            calls.append(data)
            return len(data)

        for path in ("a", "b"):
            MappingFiles({path: b"same"}, cache=cache).derive(count, path)

        assert calls == [b"same"]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "d/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "d/e/a.py", True),
        ("d/**", "d/e/a.py", True),
        ("d?.py", "d1.py", True),
        ("[ab].py", "a.py", True),
        ("[!ab].py", "a.py", False),
        ("[.py", "[.py", True),
        ("a+b(c).py", "a+b(c).py", True),
    ],
)
def test_globs_match_like_a_shell_with_globstar(pattern: str, path: str, matches: bool) -> None:
    assert bool(glob_expression(pattern).fullmatch(path)) is matches


class TestStatsOfAMomentAgo:
    """Those of a listing stand in for a look at each file; what they cannot tell is looked at."""

    @pytest.fixture
    def known(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, AnalysisCache]:
        """A source of which one file was looked at before, on a clock that is an hour ahead."""
        now = time.time_ns() + 3600 * 10**9
        monkeypatch.setattr(stat_memo.time, "time_ns", lambda: now)
        root, cache = tmp_path / "dags", AnalysisCache()
        root.mkdir()
        (root / "flow.py").write_text("x = 1\n")
        folder(root, cache).entry("flow.py")
        return root, cache

    def looked(self, root: Path, cache: AnalysisCache, *, most: int = 1000) -> FolderFiles:
        stats = {"flow.py": (root / "flow.py").stat()}
        return FolderFiles(root, max_file_bytes=most, cache=cache, stats=stats)

    def test_a_known_file_is_not_looked_at_again(self, known: tuple[Path, AnalysisCache]) -> None:
        root, cache = known
        files = self.looked(root, cache)
        files.names("")
        (root / "flow.py").unlink()
        assert files.entry("flow.py").blob == blob_id(b"x = 1\n")

    def test_an_edit_of_the_same_size_and_time_is_seen(self, known: tuple[Path, AnalysisCache]) -> None:
        root, cache = known
        before = (root / "flow.py").stat()
        (root / "flow.py").write_text("x = 2\n")
        os.utime(root / "flow.py", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert self.looked(root, cache).entry("flow.py").blob == blob_id(b"x = 2\n")

    def test_a_file_that_has_gone_since_is_told(self, known: tuple[Path, AnalysisCache]) -> None:
        root, cache = known
        files = self.looked(root, cache)
        (root / "flow.py").unlink()
        with pytest.raises(UnitError, match="does not exist"):
            files.entry("flow.py")

    def test_a_link_out_of_the_source_is_refused_though_it_leads_to_the_same_file(
        self, known: tuple[Path, AnalysisCache]
    ) -> None:
        root, cache = known
        files = self.looked(root, cache)
        (root / "flow.py").rename(root.parent / "flow.py")
        (root / "flow.py").symlink_to(root.parent / "flow.py")
        with pytest.raises(UnitError, match="leaves the source"):
            files.entry("flow.py")

    def test_a_lower_limit_counts_at_once(self, known: tuple[Path, AnalysisCache]) -> None:
        root, cache = known
        with pytest.raises(UnitError, match="the limit is 3"):
            self.looked(root, cache, most=3).entry("flow.py")
