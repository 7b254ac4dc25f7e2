from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.literal_renaming import rename_literals
from airflow_release_plugin.analysis.references import find_references
from airflow_release_plugin.domain.bundle.name_table import NameTable

TABLE = NameTable(
    {
        "connection": {"pg": "warehouse"},
        "variable": {"env": "stage", "odd": "it's"},
        "pool": {"small": "narrow"},
        "queue": {"gpu": "cuda"},
    }
)


@pytest.mark.req("R59")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("X(postgres_conn_id='pg')", "X(postgres_conn_id='warehouse')"),
        ('X(conn_id="pg", pool = "small")', 'X(conn_id="warehouse", pool = "narrow")'),
        ("X(default_args={'aws_conn_id': 'pg'})", "X(default_args={'aws_conn_id': 'warehouse'})"),
        ("BaseHook.get_connection('pg')", "BaseHook.get_connection('warehouse')"),
        ("PG_CONN_ID = 'pg'", "PG_CONN_ID = 'warehouse'"),
        ("X(queue=u'gpu')", "X(queue='cuda')"),
        ("X(pool='sm' 'all')", "X(pool='narrow')"),
        ("Variable.get('env', 'pg')", "Variable.get('stage', 'pg')"),
        ("Variable.get('odd')", 'Variable.get("it\'s")'),
        (
            "X(cmd='{{ var.value.env }} env {{ conn.pg.host }}')",
            "X(cmd='{{ var.value.stage }} env {{ conn.warehouse.host }}')",
        ),
        ("X(cmd=\"{{ var.json.get('env', 'x') }}\")", "X(cmd=\"{{ var.json.get('stage', 'x') }}\")"),
        ("X(a='ü', conn_id='pg')  # pg", "X(a='ü', conn_id='warehouse')  # pg"),
        ("'pg'\nX(conn_id=\n  'pg'\n)\r\nY(pool='pg')", "'pg'\nX(conn_id=\n  'warehouse'\n)\r\nY(pool='pg')"),
        ("\ufeffX(conn_id='pg')", "\ufeffX(conn_id='warehouse')"),
    ],
)
def test_literal_names_take_the_name_that_they_have_here(code: str, expected: str) -> None:
    renamed = rename_literals(code.encode(), TABLE, path="etl.py")
    assert renamed.data.decode() == expected
    assert renamed.reached
    assert not renamed.missed


@pytest.mark.req("R59")
@pytest.mark.parametrize(
    ("code", "missed"),
    [
        ('X(cmd=f"{{{{ var.value.env }}}} {x}")', ("variable", "env")),
        ("X(cmd='{{ var.value.odd }}')", ("variable", "odd")),
        ("X(cmd='{{ var.value.get(\\'env\\') }}')", ("variable", "env")),
        ("# -*- coding: latin-1 -*-\nX(a='é'); Y(a='é', conn_id='pg')", ("connection", "pg")),
    ],
)
def test_a_name_that_cannot_be_changed_safely_is_told(code: str, missed: tuple[str, str]) -> None:
    renamed = rename_literals(code.encode(), TABLE, path="etl.py")
    assert renamed.data == code.encode()
    assert renamed.missed == {missed}


@pytest.mark.req("R59")
def test_two_names_can_be_swapped() -> None:
    swap = NameTable({"pool": {"a": "b", "b": "a"}})
    assert rename_literals(b"X(pool='a'); X(pool='b')", swap, path="x.py").data == b"X(pool='b'); X(pool='a')"


@pytest.mark.req("R59")
def test_templates_in_other_files_are_renamed_too() -> None:
    renamed = rename_literals("SELECT '{{ var.value.env }}' -- env é".encode(), TABLE, path="a.sql")
    assert renamed.data.decode() == "SELECT '{{ var.value.stage }}' -- env é"
    assert renamed.reached == {("variable", "env")}


@pytest.mark.parametrize("data", [b"def (", b"\xff\xfe{{ var.value.env }}", b""])
@pytest.mark.parametrize("path", ["x.py", "x.sql"])
def test_a_file_that_cannot_be_read_stays_as_it_is(data: bytes, path: str) -> None:
    assert rename_literals(data, TABLE, path=path).data == data


@given(st.text(min_size=1, max_size=30).filter(str.isprintable))
def test_whatever_the_name_the_code_means_it(name: str) -> None:
    table = NameTable({"connection": {"pg": name}})
    renamed = rename_literals(b'X(conn_id="pg", other="pg", cmd="{{ conn.pg.host }}")', table, path="x.py")
    call = ast.parse(renamed.data).body[0].value  # type: ignore[attr-defined]
    assert [ast.literal_eval(keyword.value) for keyword in call.keywords][:2] == [name, "pg"]
    if not renamed.missed and "{{" not in name:
        assert set(find_references(renamed.data).connections) == {name}
