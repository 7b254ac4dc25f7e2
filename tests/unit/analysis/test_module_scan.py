from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.closure import compute_closure
from airflow_release_plugin.analysis.data_texts import read_template
from airflow_release_plugin.analysis.evaluation.scopes import ImportRef
from airflow_release_plugin.analysis.evaluation.values import UNKNOWN
from airflow_release_plugin.analysis.evaluation.walk import read_module
from airflow_release_plugin.analysis.module_scan import parse_python
from airflow_release_plugin.exceptions import UnitError
from tests.harness.mapping_files import MappingFiles


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
    ],
)
def test_an_import_is_found_wherever_it_is_written(code: str, expected: ImportRef) -> None:
    assert expected in read_module(parse_python(code.encode()), "").imports


@pytest.mark.parametrize(
    ("code", "line"),
    [(b"def (", 1), (b"x = 1\n\ny = =", 3), (b"x = '\xff'", 1), (b"x = 1\0", 1), (b"(" * 5000, 1)],
)
def test_code_that_cannot_be_parsed_is_a_fact_with_a_line(code: bytes, line: int) -> None:
    with pytest.raises(SyntaxError) as error:
        parse_python(code)

    assert (error.value.lineno or 1) >= line - 1


def test_an_invalid_escape_is_no_error() -> None:
    assert parse_python(b"x = '\\d'").body


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{% include 'a.sql' %}", ("a.sql",)),
        ('{%- extends "base.html" -%}', ("base.html",)),
        ("{% from 'm.j2' import x %}{% import 'n.j2' as n %}", ("m.j2", "n.j2")),
        ("{% include ['a.sql', 'b.sql'] ignore missing %}", ("a.sql", "b.sql")),
        ("{% include name %} 'a.sql'", (UNKNOWN,)),
        ("{% include 'a/' ~ x ~ '.sql' %}", (f"a/{UNKNOWN}.sql",)),
        ("{% include 'a/' + x %}", (f"a/{UNKNOWN}",)),
        ("select 1", ()),
    ],
)
def test_templates_name_the_files_that_they_include(template: str, names: tuple[str, ...]) -> None:
    assert read_template(template.encode()).templates == names


def read(data: bytes) -> None:
    """Make a unit of any bytes: a result, or an error of ours."""
    with suppress(UnitError):
        compute_closure(MappingFiles({"x.py": data}), "x.py")


@given(st.binary(max_size=200))
def test_any_bytes_give_facts(data: bytes) -> None:
    read(data)


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
                "for x in ",
                ".format(",
                "% x",
                "def f(x): return ",
                "class C: ",
                "self.x",
                "open(",
                "glob.glob(",
            ]
        ),
        max_size=14,
    )
)
def test_any_code_gives_facts(pieces: list[str]) -> None:
    read("".join(pieces).encode())
