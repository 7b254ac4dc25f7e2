from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.module_scan import scan_module

HEADER = "import os.path as osp\nfrom pathlib import Path\nHERE = Path(__file__).parent\nSQL = HERE / 'sql'\n"


def named(code: str, module: str = "team/dags/etl.py") -> set[str]:
    scan = scan_module((HEADER + code).encode())
    return {ref.value.resolved(module) for ref in scan.paths}


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("HERE / 'sql' / 'x.sql'", "team/dags/sql/x.sql"),
        ("SQL / 'x.sql'", "team/dags/sql/x.sql"),
        ("(SQL / 'x.sql').read_text()", "team/dags/sql/x.sql"),
        ("Path(__file__).resolve().parents[1] / 'data' / 'x.csv'", "team/data/x.csv"),
        ("Path(__file__).absolute().parents[2] / 'x.csv'", "x.csv"),
        ("Path(__file__).parents[3] / 'x.csv'", "../x.csv"),
        ("Path(__file__).parent.parent.joinpath('data', 'x.csv')", "team/data/x.csv"),
        ("os.path.join(os.path.dirname(__file__), 'sql', 'x.sql')", "team/dags/sql/x.sql"),
        ("osp.join(osp.dirname(osp.abspath(__file__)), 'x.sql')", "team/dags/x.sql"),
        ("os.path.join(os.path.dirname(os.path.realpath(__file__)), '..', 'x.sql')", "team/x.sql"),
        ("os.path.dirname(__file__) + '/x.sql'", "team/dags/x.sql"),
        ("f'{HERE}/sql/x.sql'", "team/dags/sql/x.sql"),
        ("f'{os.path.dirname(__file__)}/x.sql'", "team/dags/x.sql"),
        ("str(SQL / 'x.sql')", "team/dags/sql/x.sql"),
        ("os.fspath(SQL)", "team/dags/sql"),
        ("Path(HERE, 'x.sql')", "team/dags/x.sql"),
        ("Path(__file__).with_suffix('.sql')", "team/dags/etl.sql"),
        ("Path(__file__).with_name('other.sql')", "team/dags/other.sql"),
        ("HERE.glob('conf/*.yaml')", "team/dags/conf/*.yaml"),
        ("SQL.rglob('*.sql')", "team/dags/sql/**/*.sql"),
        ("importlib.resources.files('pkg.sql') / 'x.sql'", "pkg/sql/x.sql"),
    ],
)
def test_an_anchored_expression_names_the_path_it_stands_for(expression: str, path: str) -> None:
    assert path in named(f"use({expression})")


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        ("SQL / name", "team/dags/sql"),
        ("SQL / f'{name}.sql'", "team/dags/sql/*.sql"),
        ("HERE / f'{name}.sql'", "team/dags/*.sql"),
        ("HERE / (name + '.sql')", "team/dags/*.sql"),
        ("HERE / name / 'x.sql'", "team/dags/*/x.sql"),
        ("HERE / f'sql/{name}.sql'", "team/dags/sql/*.sql"),
        ("f'{HERE}/sql/{name}.sql'", "team/dags/sql/*.sql"),
        ("f'{HERE}/{name}'", "team/dags"),
        ("os.path.join(HERE, 'sql', name)", "team/dags/sql"),
        ("os.path.join(HERE, 'sql', f'daily/{name}.sql')", "team/dags/sql/daily/*.sql"),
        ("os.path.join(HERE, 'sql', '%s.sql' % name)", "team/dags/sql"),
        ("HERE.joinpath('sql', name)", "team/dags/sql"),
        ("Path(HERE, 'sql', name)", "team/dags/sql"),
        ("[p for p in SQL.iterdir()]", "team/dags/sql"),
    ],
)
def test_a_name_that_is_known_in_part_is_a_pattern(expression: str, pattern: str) -> None:
    assert pattern in named(f"use({expression})")


@pytest.mark.parametrize(
    "expression",
    [
        "name + '.sql'",
        "f'{table}_load.sql'",
        "', '.join(['a', 'b'])",
        "SQL[0]",
        "Path(name) / other",
        "x.parents[y]",
        "'s3://bucket/key.json'",
        "'a sentence. With dots/slashes\\nand lines'",
        "''",
        "'plain'",
    ],
)
def test_what_is_no_path_names_nothing(expression: str) -> None:
    assert named(f"use({expression})") <= {"team/dags/sql"}


def test_a_name_with_two_values_has_none() -> None:
    assert "team/dags/a/x.sql" not in named("D = HERE / 'a'\nD = HERE / 'b'\nuse(D / 'x.sql')")


def test_a_name_defined_through_itself_ends() -> None:
    assert named("A = A / 'x.sql'\nuse(A)") == {"x.sql", "team/dags/sql"}


def test_a_docstring_names_nothing() -> None:
    assert named("def f():\n    'docs/x.sql'\n") == {"team/dags/sql"}


def test_jinja_in_a_string_names_the_included_files() -> None:
    assert {"a.sql", "b.sql"} <= named("sql = \"{% include 'a.sql' %} {%- import 'b.sql' as b %}\"")


def test_a_very_long_chain_is_a_clear_error_or_a_result() -> None:
    scan = scan_module(b"x = " + b" + ".join([b"'a'"] * 20_000))

    assert scan.error or scan.paths == ()
