from __future__ import annotations

import ast
import os
import time
from pathlib import Path

import pytest

from airflow_release_plugin.analysis import stat_memo
from airflow_release_plugin.analysis.closure import Closure, compute_closure
from airflow_release_plugin.analysis.source_files import AnalysisCache, FolderFiles
from airflow_release_plugin.exceptions import UnitError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "outside.sql").write_text("select 1")
    return tmp_path / "source"


def closure(root: Path, code: str, cache: AnalysisCache | None = None) -> Closure:
    (root / "etl.py").write_text(code)
    return compute_closure(FolderFiles(root, max_file_bytes=100_000, cache=cache), "etl.py")


@pytest.mark.parametrize(
    "code",
    ["use('../outside.sql')", "from pathlib import Path\nuse(Path(__file__).parents[1] / 'outside.sql')"],
)
def test_a_named_file_beside_the_source_is_told(root: Path, code: str) -> None:
    found = closure(root, code)

    assert "names '../outside.sql', which lies beside the source and is not released" in found.gaps[0]
    assert "point the source one folder up" in found.gaps[0]
    assert not found.is_complete


def test_a_named_folder_beside_the_source_is_told_alike(root: Path) -> None:
    (root.parent / "dbt").mkdir()
    found = closure(root, "from pathlib import Path\nD = Path(__file__).parents[1] / 'dbt'\nuse(D)")

    assert [text.partition(",")[0] for text in found.gaps] == ["etl.py line 3 names '../dbt'"]


@pytest.mark.parametrize("place", ["include", "plugins/include"])
def test_code_beside_the_source_is_told(root: Path, place: str) -> None:
    (root.parent / place).mkdir(parents=True)
    found = closure(root, "import include.names\nfrom include import x")

    assert found.external == ("include",)
    assert len(found.gaps) == 1
    assert "imports 'include.names', which lies beside the source" in found.gaps[0]


@pytest.mark.parametrize(
    "code",
    [
        *("use('../nothing.sql')", "use('..')", "use('/etc/hostname')", "use('/dev/null')"),
        *("open('/etc/hostname')", "open('/tmp/x.csv')", "open('https://x.org/a.sql')", "open(f'/tmp/{x}')"),
    ],
)
def test_other_names_outside_are_left_alone(root: Path, code: str) -> None:
    found = closure(root, code)

    assert (len(found.files), found.warnings) == (1, ())


def test_an_absolute_name_inside_the_source_is_taken_with_a_warning(root: Path) -> None:
    (root / "x.sql").write_text("select 1")

    found = closure(root, f"use({str(root / 'x.sql')!r})")

    assert [file.path for file in found.files] == ["etl.py", "x.sql"]
    assert "by its absolute path" in found.warnings[0]


def test_a_module_behind_a_link_that_leaves_is_refused(root: Path) -> None:
    (root.parent / "secret.py").write_text("")
    (root / "helper.py").symlink_to(root.parent / "secret.py")

    with pytest.raises(UnitError, match=r"'helper.py' is a symbolic link that leaves the source"):
        closure(root, "import helper")


def test_a_module_behind_a_link_inside_is_taken_as_a_file(root: Path) -> None:
    (root / "real.py").write_text("")
    (root / "helper.py").symlink_to("real.py")

    assert [file.path for file in closure(root, "import helper").files] == ["etl.py", "helper.py"]


def test_a_broken_link_does_not_exist(root: Path) -> None:
    (root / "x.sql").symlink_to("nowhere.sql")

    assert closure(root, "use('x.sql')").unresolved == ("x.sql (etl.py line 1)",)


def test_a_named_file_over_the_limit_is_refused(root: Path) -> None:
    (root / "big.csv").write_bytes(b"x" * 100_001)

    with pytest.raises(UnitError, match=r"'big.csv' has 100001 bytes"):
        closure(root, "use('big.csv')")


FOLDER = "from pathlib import Path\nuse(Path(__file__).parent / 'sql')"


def test_what_cannot_be_shipped_is_left_out_of_a_folder_with_a_warning(root: Path) -> None:
    (root / "sql").mkdir()
    (root / "sql" / os.fsdecode(b"caf\xe9.sql")).write_text("")
    (root / "sql" / "big.csv").write_bytes(b"x" * 100_001)
    (root / "sql" / "away.sql").symlink_to(root.parent / "outside.sql")
    (root / "sql" / "a.sql").write_text("")
    found = closure(root, FOLDER)

    assert [file.path for file in found.files] == ["etl.py", "sql/a.sql"]
    assert [text.partition(" is left out")[0] for text in found.gaps] == [
        "'sql/away.sql'",
        "'sql/big.csv'",
        repr("sql/" + os.fsdecode(b"caf\xe9.sql")),
    ]
    assert not found.is_complete


def test_a_folder_behind_a_link_that_leaves_is_left_out_with_a_warning(root: Path) -> None:
    (root.parent / "more").mkdir()
    (root.parent / "more" / "x.sql").write_text("")
    (root / "sql").mkdir()
    (root / "sql" / "a.sql").write_text("")
    (root / "sql" / "more").symlink_to(root.parent / "more")
    found = closure(root, FOLDER)

    assert [file.path for file in found.files] == ["etl.py", "sql/a.sql"]
    assert "sql/more" in found.gaps[0]
    assert "leaves the source" in found.gaps[0]


def test_a_big_file_that_is_named_itself_is_refused_all_the_same(root: Path) -> None:
    (root / "sql").mkdir()
    (root / "sql" / "big.csv").write_bytes(b"x" * 100_001)

    with pytest.raises(UnitError, match=r"'sql/big\.csv' has 100001 bytes"):
        closure(root, f"{FOLDER}\nopen(Path(__file__).parent / 'sql' / 'big.csv')")


def test_an_undecodable_name_elsewhere_does_no_harm(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9.sql")).write_text("")

    assert len(closure(root, "import json").files) == 1


def test_a_fifo_that_is_named_is_refused(root: Path) -> None:
    os.mkfifo(root / "x.sql")

    with pytest.raises(UnitError, match=r"'x.sql' is a fifo"):
        closure(root, "use('x.sql')")


def test_a_file_that_goes_between_list_and_submit_is_named(root: Path) -> None:
    (root / "etl.py").write_text("")
    files = FolderFiles(root, max_file_bytes=1000)
    assert files.is_file("etl.py")
    (root / "etl.py").unlink()

    with pytest.raises(UnitError, match=r"'etl.py' cannot be read"):
        compute_closure(files, "etl.py")


def test_the_code_is_never_run(root: Path) -> None:
    (root / "helper.py").write_text("open('ran', 'w')")
    closure(root, f"import helper\nopen({str(root / 'ran')!r}, 'w')")

    assert not (root / "ran").exists()


def test_an_edit_is_seen_with_a_warm_cache(root: Path) -> None:
    cache = AnalysisCache()
    (root / "a.py").write_text("")
    closure(root, "x = 1", cache)

    assert [file.path for file in closure(root, "import a", cache).files] == ["a.py", "etl.py"]


def test_a_warm_list_reads_no_file_and_parses_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "common.py").write_text("import json\n")
    (root / "sql").mkdir()
    for number in range(30):
        (root / f"dag{number}.py").write_text(f"import common\nuse('sql/{number}.sql')\nX = {number}\n" * 20)
        (root / "sql" / f"{number}.sql").write_text("select 1")
    later = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr(stat_memo.time, "time_ns", lambda: later)
    cache = AnalysisCache()

    def closures() -> list[Closure]:
        files = FolderFiles(root, max_file_bytes=100_000, cache=cache)
        return [compute_closure(files, f"dag{number}.py") for number in range(30)]

    cold = closures()
    monkeypatch.setattr(FolderFiles, "_bytes", lambda files, path: pytest.fail(f"{path} was read"))
    monkeypatch.setattr(ast, "parse", lambda *_, **__: pytest.fail("something was parsed"))

    assert closures() == cold
