from __future__ import annotations

import posixpath
import re

import pytest

from airflow_release_plugin.analysis.evaluation.evaluator import Evaluator
from airflow_release_plugin.analysis.evaluation.scopes import ModuleText
from airflow_release_plugin.analysis.evaluation.values import HOLES, ROOT, Listing, Sequence, text_of
from airflow_release_plugin.analysis.evaluation.walk import read_module
from airflow_release_plugin.analysis.module_scan import parse_python

HEADER = "import os.path as osp\nfrom pathlib import Path\nHERE = Path(__file__).parent\nSQL = HERE / 'sql'\n"


class NoModules:
    """A source with one file."""

    def text(self, module: str, level: int, importer: str) -> ModuleText | None:
        return None

    def folder(self, module: str) -> str:
        return module.replace(".", "/")


def values(code: str, module: str = "team/dags/etl.py") -> set[str]:
    """What the last line of some code may stand for, with ``…`` for what is not known."""
    text = read_module(parse_python((HEADER + code).encode()), module)
    node = text.scope.node.body[-1].value  # type: ignore[attr-defined]
    found = [
        one.folder if isinstance(one, Listing) else one for one in Evaluator(NoModules())(node, text.scope)
    ]
    flat = [item for one in found for item in (one.items if isinstance(one, Sequence) else ((one,),))]
    return {HOLE.sub("…", relative(text_of(one))) for items in flat for one in items}


HOLE = re.compile(f"[{HOLES}]")


def relative(path: str) -> str:
    """A path as seen from the source."""
    return posixpath.relpath(path, ROOT) if path.startswith("/\x02") else path


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("HERE / 'sql' / 'x.sql'", "team/dags/sql/x.sql"),
        ("SQL / 'x.sql'", "team/dags/sql/x.sql"),
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
        ("__file__.replace('.py', '.yaml')", "team/dags/etl.yaml"),
        ("os.path.splitext(__file__)[0] + '.sql'", "team/dags/etl.sql"),
        ("SQL.rglob('*.sql')", "team/dags/sql/**/*.sql"),
        ("importlib.resources.files('pkg.sql') / 'x.sql'", "pkg/sql/x.sql"),
    ],
)
def test_an_expression_has_the_path_that_it_stands_for(expression: str, path: str) -> None:
    assert values(expression) == {path}


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("SQL / name", "team/dags/sql/…"),
        ("SQL / f'{name}.sql'", "team/dags/sql/….sql"),
        ("HERE / (name + '.sql')", "team/dags/….sql"),
        ("HERE / name / 'x.sql'", "team/dags/…/x.sql"),
        ("os.path.join(HERE, 'sql', '%s.sql' % name)", "team/dags/sql/….sql"),
        ("HERE.joinpath('sql', *names)", "team/dags/sql/…"),
        ("'{}/{x}.sql'.format(SQL, x=name)", "team/dags/sql/….sql"),
        ("', '.join(['a', 'b'])", "a, b"),
        ("Path(name) / other", "…/…"),
        ("x.parents[y]", "…"),
    ],
)
def test_what_is_known_in_part_has_holes(expression: str, known: str) -> None:
    assert values(expression) == {known}


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("D = HERE / 'a'\nD = HERE / 'b'\nD / 'x'", {"team/dags/a/x", "team/dags/b/x"}),
        ("for a, b in [('x', 'y'), ('u', 'v')]: pass\n[a, b]", {"x", "u", "y", "v"}),
        ("for k, v in {'x': 'y'}.items(): pass\nf'{k}{v}'", {"xy"}),
        ("for i, v in enumerate(['x']): pass\nv", {"x"}),
        ("for a, b in zip(['x'], ['y']): pass\na + b", {"xy"}),
        ("D = {'a': {'b': 'x'}}\nD['a']['b']", {"x"}),
        ("D = {'a': 'x', 'b': 'y'}\nD[k]", {"x", "y"}),
        ("D = {'a': 'x'}\nD['b'] = 'y'\nD['b']", {"y"}),
        ("D = {'a': 'x'}\nD.get('a', 'z')", {"x", "z"}),
        ("D = dict(a='x')\nD['a']", {"x"}),
        ("A = ['x']\nA.append('y')\nfor a in A: pass\na", {"x", "y"}),
        ("A = ['x'] + ['y']\nA", {"x", "y"}),
        ("A = [f'{x}.sql' for x in ('a', 'b')]\nA", {"a.sql", "b.sql"}),
        ("A = 'a b'.split()\nA[0] + A[-1]", {"ab"}),
        ("A = 'abc'\nA[1:]", {"bc"}),
        ("def f(x, y='b'): return x + y\nf('a')", {"ab"}),
        ("def f(*x, **y): return x[0]\nf('a')", {"a"}),
        ("def f(n): return f(n)\nf('a')", {"…"}),
        ("class C:\n  a = 'x'\nC().a", {"x"}),
        ("class C:\n  a = 'x'\nclass D(C): pass\nD.a", {"x"}),
        ("class C:\n  def f(self): return 'x'\nC().f()", {"x"}),
        ("x = 'a' if y else 'b'\nx", {"a", "b"}),
        ("x = y or 'b'\nx", {"…", "b"}),
        ("(x := 'a')", {"a"}),
        ("'%d-%s-%%' % (3, 'x')", {"3-x-%"}),
        ("'%(a)s' % {'a': 'x'}", {"x"}),
        ("f'{7:03d}'", {"007"}),
        ("'a.b.c'.rsplit('.', 1)", {"a.b", "c"}),
        ("import os as o\no.getenv('X', 'y')", {"…", "y"}),
        ("A = A / 'x.sql'\nA", {"…/x.sql"}),
    ],
)
def test_a_name_has_every_value_that_it_is_given(code: str, texts: set[str]) -> None:
    assert values(code) == texts


def test_too_many_combinations_count_as_unknown() -> None:
    numbers = "for i in range(100): pass\nfor j in range(100): pass\n"

    assert len(values(numbers + "f'{i}-{j}.sql'")) <= 200


def test_a_value_is_found_in_bounded_time() -> None:
    chain = "".join(f"a{n} = [a{n - 1}, a{n - 1}]\n" for n in range(1, 60))

    assert values("a0 = 'x'\n" + chain + "f'{a59}'") == {"…"}


def test_methods_see_names_of_the_module_and_not_of_their_class() -> None:
    assert values("x = 'outer'\nclass C:\n  x = 'inner'\n  def f(self): return x\nC().f()") == {"outer"}
