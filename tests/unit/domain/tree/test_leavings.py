from __future__ import annotations

import pytest

from airflow_release_plugin.domain.tree.leavings import IgnoreRules, is_leaving


@pytest.mark.parametrize(
    "path",
    [
        *("etl.py~", "sql/.orders.sql.swp", "sql/.orders.sql.swo", "#etl.py#", "sql/.#orders.sql"),
        *(".DS_Store", "conf/._a.yaml", "docs/Thumbs.db", "old.pyc", "data/.~lock.rates.ods#"),
        *(".git/config", "lib/__pycache__/a.cpython-312.pyc", "nb/.ipynb_checkpoints/a.ipynb"),
        *(".idea/workspace.xml", "lib/.vscode", ".svn/entries"),
    ],
)
def test_what_editors_and_python_leave_behind_is_told_apart(path: str) -> None:
    assert is_leaving(path)


@pytest.mark.parametrize(
    "path",
    [".airflowignore", ".gitignore", ".env", "swp.py", "a.sql", "git/a.py", "a~b.py", "idea/x", "c#.sql"],
)
def test_what_people_write_is_none(path: str) -> None:
    assert not is_leaving(path)


@pytest.mark.parametrize(
    ("glob", "path", "is_ignored"),
    [
        ("*.parquet", "data/raw/a.parquet", True),
        ("*.parquet", "data/a.parquet.sql", False),
        ("node_modules", "web/node_modules/x/y.js", True),
        ("node_modules/", "web/node_modules/x/y.js", True),
        ("node_modules", "node_modules.py", False),
        ("data/*.csv", "data/a.csv", True),
        ("data/*.csv", "data/raw/a.csv", False),
        ("data/*.csv", "more/data/a.csv", False),
        ("data/**", "data/raw/a.csv", True),
        ("data/raw", "data/raw/x/a.csv", True),
        ("/data/raw/", "data/raw/a.csv", True),
        ("**/raw/*.csv", "a/b/raw/x.csv", True),
        ("**/raw/*.csv", "raw/x.csv", True),
        ("a.b/c", "axb/c", False),
    ],
)
def test_globs_name_files_and_folders(glob: str, path: str, is_ignored: bool) -> None:
    assert IgnoreRules([glob]).match(path) == (glob.strip("/") if is_ignored else "")


def test_no_globs_name_nothing() -> None:
    assert IgnoreRules(["", " "]).match("a/b") == ""
