from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.module_scan import ImportRef, scan_module, template_files


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a", ImportRef("a", line=1)),
        ("import a.b.c as d", ImportRef("a.b.c", line=1)),
        ("from a.b import c, d as e", ImportRef("a.b", ("c", "d"), line=1)),
        ("from . import c", ImportRef("", ("c",), 1, 1)),
        ("from ..a import *", ImportRef("a", ("*",), 2, 1)),
        ("def f():\n    import a", ImportRef("a", line=2)),
        ("class C:\n  async def f(self):\n    from a import b", ImportRef("a", ("b",), line=3)),
        ("if TYPE_CHECKING:\n    import a", ImportRef("a", line=2, guarded=True)),
        ("if typing.TYPE_CHECKING:\n    import a", ImportRef("a", line=2, guarded=True)),
        ("try:\n    import a\nexcept ImportError: pass", ImportRef("a", line=2, guarded=True)),
        ("importlib.import_module('a.b')", ImportRef("a.b", line=1)),
        ("import_module(name='x') or __import__('a.b')", ImportRef("a.b", line=1)),
        ("import_module('.b', 'a')", ImportRef("a.b", line=1)),
        ("import_module('..c', package='a.b')", ImportRef("a.c", line=1)),
        ("import_module('.b', __package__)", ImportRef("b", level=1, line=1)),
        ("import_string('a.b.run')", ImportRef("a.b", ("run",), line=1)),
        ("NAME = 'a.b'\nimport_module(NAME)", ImportRef("a.b", line=2)),
    ],
)
def test_an_import_is_found_wherever_it_is_written(code: str, expected: ImportRef) -> None:
    assert expected in scan_module(code.encode()).imports


def test_the_names_of_all_are_exports() -> None:
    assert scan_module(b"__all__ = ['a', 'b']").exports == ("a", "b")


def test_folders_added_to_sys_path_are_import_paths_and_not_data() -> None:
    scan = scan_module(
        b"import os, sys\nfrom pathlib import Path\nsys.path.append(os.path.dirname(__file__))\n"
        b"sys.path.insert(0, str(Path(__file__).parent / 'lib'))"
    )

    assert [value.resolved("dags/x.py") for value in scan.import_paths] == ["dags", "dags/lib"]
    assert scan.paths == ()


def test_a_folder_that_is_only_assigned_is_kept_apart() -> None:
    scan = scan_module(b"from pathlib import Path\nSQL = Path(__file__).parent / 'sql'\nX = SQL / 'x.sql'\n")

    assert [ref.value.resolved("m.py") for ref in scan.assigned_paths] == ["sql", "sql/x.sql"]
    assert [ref.value.resolved("m.py") for ref in scan.paths] == ["sql/x.sql"]


@pytest.mark.parametrize(
    ("code", "line"),
    [(b"def (", 1), (b"x = 1\n\ny = =", 3), (b"x = '\xff'", 1), (b"x = 1\0", 1), (b"(" * 5000, 1)],
)
def test_code_that_cannot_be_parsed_is_a_fact_with_a_line(code: bytes, line: int) -> None:
    scan = scan_module(code)

    assert scan.error
    assert scan.error_line >= line - 1


def test_an_invalid_escape_is_no_error() -> None:
    assert scan_module(b"x = '\\d'").error == ""


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{% include 'a.sql' %}", ("a.sql",)),
        ('{%- extends "base.html" -%}', ("base.html",)),
        ("{% from 'm.j2' import x %}{% import 'n.j2' as n %}", ("m.j2", "n.j2")),
        ("{% include ['a.sql', 'b.sql'] ignore missing %}", ("a.sql", "b.sql")),
        ("{% include name %} 'a.sql'", ()),
        ("select 1", ()),
    ],
)
def test_templates_name_the_files_that_they_include(template: str, names: tuple[str, ...]) -> None:
    assert template_files(template.encode()) == names


@given(st.binary(max_size=200))
def test_any_bytes_give_facts(data: bytes) -> None:
    scan_module(data)


@given(
    st.lists(
        st.sampled_from(
            [
                "Path(__file__)",
                "'a/b.sql'",
                "f'{x}/c.sql'",
                "x",
                "HERE",
                "os.path.join",
                ".parent",
                "(",
                ")",
                "/",
                "+",
                "\n",
                " ",
                "import a",
                "from . import b",
                "sys.path.append(",
                "[",
                "]",
                "=",
                "__all__",
            ]
        ),
        max_size=14,
    )
)
def test_any_code_gives_facts(pieces: list[str]) -> None:
    scan_module("".join(pieces).encode())
