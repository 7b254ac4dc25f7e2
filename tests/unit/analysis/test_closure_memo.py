from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_release_plugin.analysis import closure_memo
from airflow_release_plugin.analysis.closure import Closure, ClosureOptions, compute_closure
from airflow_release_plugin.analysis.closure_memo import ClosureMemo
from airflow_release_plugin.analysis.source_files import AnalysisCache, FolderFiles
from airflow_release_plugin.exceptions import UnitError

DAG = "from airflow.sdk import DAG\nfrom pathlib import Path\nimport shop.names\n"


class Desk:
    """Asks for the closure of ``etl.py`` again and again, as requests do, and counts the computations."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache, self.memo = AnalysisCache(), ClosureMemo()
        self.computed = 0

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def ask(self, **options: int) -> Closure:
        files = FolderFiles(self.root, max_file_bytes=100_000, cache=self.cache)
        return self.memo.closure(files, "etl.py", options=ClosureOptions(**options))

    def paths(self) -> list[str]:
        return [file.path for file in self.ask().files]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path / "source")
    made.write("etl.py", DAG)
    made.write("shop/__init__.py", "")
    made.write("shop/names.py", "A = 1\n")

    def counted(*args: object, **kwargs: object) -> Closure:
        made.computed += 1
        return compute_closure(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(closure_memo, "compute_closure", counted)
    return made


def test_what_did_not_change_is_computed_once(desk: Desk) -> None:
    assert desk.ask() == desk.ask()
    assert desk.computed == 1


def test_an_edit_of_a_file_that_it_needs_gives_another_closure(desk: Desk) -> None:
    before = desk.ask()
    desk.write("shop/names.py", "import shop.prices\n")
    desk.write("shop/prices.py", "")

    assert desk.ask().digest != before.digest
    assert desk.paths() == ["etl.py", "shop/__init__.py", "shop/names.py", "shop/prices.py"]


def test_an_edit_elsewhere_computes_nothing(desk: Desk) -> None:
    desk.write("other.py", "B = 1\n")
    desk.ask()
    desk.write("other.py", "B = 2\n")
    desk.ask()

    assert desk.computed == 1


def test_an_executable_bit_gives_another_closure(desk: Desk) -> None:
    before = desk.ask()
    (desk.root / "etl.py").chmod(0o755)

    assert desk.ask().digest != before.digest


def test_a_new_file_may_be_the_one_that_was_missing(desk: Desk) -> None:
    desk.write("etl.py", f"{DAG}import later\n")
    assert "later.py" not in desk.paths()
    desk.write("later.py", "")

    assert "later.py" in desk.paths()


def test_a_new_folder_counts_where_it_was_looked_for(desk: Desk) -> None:
    desk.write("etl.py", f"{DAG}import later\n")
    desk.ask()
    (desk.root / "empty").mkdir()
    desk.ask()
    assert desk.computed == 1

    (desk.root / "later").mkdir()
    desk.ask()
    assert desk.computed == 2


@pytest.mark.req("R93")
@pytest.mark.parametrize("path", ["other.py", "shop/other.py", "shop/names.sql", "far/away/x.py"])
def test_a_new_file_computes_nothing_for_those_who_did_not_look_for_it(desk: Desk, path: str) -> None:
    desk.ask()
    desk.write(path, "")
    desk.ask()
    (desk.root / path).unlink()
    desk.ask()

    assert desk.computed == 1


def test_a_new_file_counts_in_a_folder_that_was_listed(desk: Desk) -> None:
    desk.write("etl.py", f"{DAG}for f in (Path(__file__).parent / 'sql').glob('*.sql'):\n    f.read_text()\n")
    desk.write("sql/a.sql", "")
    desk.ask()
    desk.write("sql/b.sql", "")

    assert "sql/b.sql" in desk.paths()


def test_a_new_file_counts_where_a_rule_matches_it(desk: Desk) -> None:
    desk.write("release.toml", '[[include]]\ndags = ["etl.py"]\nfiles = ["deep/**/*.sql"]\n')
    desk.write("deep/a/a.sql", "")
    desk.ask()
    desk.write("deep/b/c/b.sql", "")

    assert "deep/b/c/b.sql" in desk.paths()


def test_a_module_that_becomes_a_package_counts(desk: Desk) -> None:
    desk.ask()
    desk.write("shop/names/__init__.py", "")

    assert "shop/names/__init__.py" in desk.paths()


def test_all_is_asked_again_where_a_link_leads_to_a_folder_above(desk: Desk) -> None:
    (desk.root / "shop" / "up").symlink_to("..")
    desk.ask()
    desk.write("other.py", "")
    desk.ask()

    assert desk.computed == 2


_NAMES = ["a.py", "b.py", "c.sql", "x", "x/__init__.py", "x/a.py", "x/c.sql", "y/b.py", "y/c.sql", "y/x/a.py"]
_LINES = st.sampled_from(
    [
        "import a",
        "import b",
        "from x import a",
        "import y.b",
        "from x.a import c",
        "open('c.sql')",
        "import glob; glob.glob('y/*.sql')",
        "import pathlib; [p.read_text() for p in (pathlib.Path(__file__).parent / 'x').iterdir()]",
        "import sys; sys.path.append('y')",
        "from a import q\nopen(q)",
        "q = 'y/c.sql'",
    ]
)
_TEXTS = st.lists(_LINES, max_size=3).map("\n".join)
_STEPS = st.lists(st.tuples(st.sampled_from(_NAMES), st.none() | _TEXTS), max_size=6)


@settings(max_examples=150, deadline=None)
@given(_TEXTS, _TEXTS, _STEPS)
def test_whatever_comes_and_goes_it_is_as_if_computed_anew(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str, steps: list[tuple[str, str | None]]
) -> None:
    root, memo, cache = tmp_path_factory.mktemp("source"), ClosureMemo(), AnalysisCache()
    (root / "one.py").write_text(one)
    (root / "two.py").write_text(two)
    for name, text in [("a.py", ""), *steps]:
        _put(root / name, text)
        files = FolderFiles(root, max_file_bytes=100_000, cache=cache)
        for entry in ("one.py", "two.py"):
            fresh = FolderFiles(root, max_file_bytes=100_000)
            assert _closure(memo, files, entry) == _closure(None, fresh, entry)


def _put(file: Path, text: str | None) -> None:
    """Write a file, or a folder where its name has no ending; without text take it away."""
    if text is None:
        if file.is_file():
            file.unlink()
    elif not file.suffix:
        file.mkdir(exist_ok=True)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _closure(memo: ClosureMemo | None, files: FolderFiles, entry: str) -> Closure | str:
    try:
        if memo is None:
            return compute_closure(files, entry, options=ClosureOptions())
        return memo.closure(files, entry, options=ClosureOptions())
    except UnitError as error:
        return error.message


def test_rules_that_did_not_concern_it_may_do_now(desk: Desk) -> None:
    rule = '[[include]]\ndags = ["{}"]\nfiles = ["more.sql"]\n'
    desk.write("more.sql", "SELECT 1")
    desk.write("release.toml", rule.format("other.py"))
    before = desk.paths()
    desk.write("release.toml", rule.format("etl.py"))

    assert "more.sql" in set(desk.paths()) - set(before)


def test_other_bounds_are_another_question(desk: Desk) -> None:
    desk.ask()

    with pytest.raises(UnitError, match="more than 1 files"):
        desk.ask(max_unit_files=1)


def test_a_file_that_is_gone_is_an_error_again(desk: Desk) -> None:
    desk.ask()
    (desk.root / "etl.py").unlink()

    with pytest.raises(UnitError, match="does not exist"):
        desk.ask()


def test_a_question_about_a_place_outside_is_asked_each_time(desk: Desk) -> None:
    desk.write("etl.py", f'{DAG}SQL = Path(__file__).parent / "../beside.sql"\n')
    desk.ask()
    (desk.root.parent / "beside.sql").write_text("SELECT 1")

    assert "lies beside the source" in desk.ask().gaps[0]


def test_a_module_that_appears_beside_the_source_is_noticed(desk: Desk) -> None:
    desk.write("etl.py", f"{DAG}import include.names\n")
    assert desk.ask().is_complete
    (desk.root.parent / "include").mkdir()

    assert "imports 'include.names', which lies beside the source" in desk.ask().gaps[0]


def test_a_link_that_leads_elsewhere_now_is_refused(desk: Desk) -> None:
    desk.write("inside/names.py", "")
    link = desk.root / "linked.py"
    link.symlink_to("inside/names.py")
    desk.write("etl.py", f"{DAG}import linked\n")
    desk.ask()
    (desk.root.parent / "outside.py").write_text("")
    link.unlink()
    link.symlink_to(desk.root.parent / "outside.py")

    with pytest.raises(UnitError, match="leaves the source"):
        desk.ask()
