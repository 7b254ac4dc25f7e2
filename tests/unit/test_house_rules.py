from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.house_rules import check_page, check_python, check_repository
from tools.name_rules import one_class_for_a_name
from tools.service_calls import CALLS_FOR_ALL, MORE_THAN_ONE, handlers
from tools.source import Source
from tools.type_rules import OPEN_KEYWORDS, keywords_have_types

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "airflow_release_plugin"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 50
LONG_FILE = "x = 1\n" * 401

IMPORTS = """
from airflow_release_plugin.services.read_models import page
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.releases.creation import ReleaseRequest, request
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
"""


def on_page(body: str, *, methods: str = "") -> str:
    """A page with one handler, and methods beside it."""
    return f"{IMPORTS}class A:\n    @route('/', {methods})\n    def show(self):\n        {body}\n" + BESIDE


BESIDE = """
    def _again(self):
        return page.get_it()

    def _twice(self):
        return page.get_it() + releases.get()

def _outside():
    return page.get_it()
"""
ROUTE = f"{IMPORTS}@router.get('/x')\nasync def show():\n    "
EFFECT = f"{IMPORTS}@router.post('/x')\ndef act():\n    "

BROKEN = [
    ("views/a.py", on_page("return page.get_it() + releases.get()"), "makes 2 calls"),
    ("views/a.py", on_page("return self._twice()"), "makes 2 calls"),
    ("views/a.py", on_page("return request() + _outside()"), "makes 2 calls"),
    ("views/a.py", on_page("return [releases.get(i) for i in ids]"), "makes 2 calls"),
    ("views/a.py", on_page("for i in ids: releases.get(i)"), "makes 2 calls"),
    ("views/a.py", on_page("if page.get_it(): return 1\n        return self._again()"), "makes 2 calls"),
    ("views/a.py", on_page("return releases.a() or releases.b()", methods="'POST'"), "makes 2 calls"),
    ("views/a.py", on_page("releases.act(); return self._twice()", methods="'POST'"), "makes 3 calls"),
    (
        "views/a.py",
        on_page(
            "try: releases.act()\n        except E: return self._twice()\n        return 1", methods="'POST'"
        ),
        "makes 3 calls",
    ),
    ("api/routes/a.py", ROUTE + "with unit_of_work(): return page.a() + page.b()", "makes 2 calls"),
    ("api/routes/a.py", EFFECT + "request(); releases.act()", "makes 2 calls"),
    ("api/serializers/a.py", IMPORTS + "def answer(row): return page.get_it(row)", "only handlers"),
    ("views/widgets/a.py", IMPORTS + "x = releases.get()", "only handlers"),
    ("services/a.py", "release.state = State.DRAFT", "move_to"),
    ("services/a.py", "release.state += 'x'", "move_to"),
    ("repositories/a.py", "setattr(release, 'state', 1)", "move_to"),
    ("repositories/a.py", "update(Release).values(state='draft')", "move_to"),
    ("services/a/__init__.py", "", "one sentence"),
    ("services/a/__init__.py", '"""What it is. And more."""', "one sentence"),
    ("services/a/__init__.py", '"""What it is"""', "one sentence"),
    ("services/releases/a.py", "ctx.store.move_ref(ref, expected=a, new=b)", "promote()"),
    ("services/a.py", '"""One Dag."""', "write DAG"),
    ("services/a.py", "# of Dags", "write DAG"),
    ("services/target/a.py", "", "name it by what it holds"),
    ("services/releases/requests.py", "", "known library"),
    ("domain/calendar.py", "", "known library"),
    ("domain/calendar/__init__.py", '"""What it is."""', "known library"),
    ("views/releases/a.py", "class ReleaseView(BasePage): pass", "end its name in Page"),
    ("views/web/a.py", "class Base(BaseView): pass", "end its name in Page"),
    ("services/a.py", "select(Release)", "repositories/"),
    ("api/a.py", "sa.select(Release)", "repositories/"),
    ("views/a.py", "session.execute(q)", "repositories/"),
    ("services/a.py", "self._session.scalars(q)", "repositories/"),
    ("services/a.py", "session.query(Release)", "repositories/"),
    ("services/releases/releases.py", "session.commit()", "the edge"),
    ("repositories/a.py", "session.rollback()", "the edge"),
    ("services/a.py", "session.flush()", "why this flush"),
    ("services/a.py", "raise HTTPException(404)", "exceptions.py"),
    ("domain/a.py", "raise fastapi.HTTPException(404)", "exceptions.py"),
    ("hooks/a.py", "raise Exception('x')", "fitting builtin"),
    ("hooks/a.py", "raise AirflowException", "fitting builtin"),
    ("hooks/a.py", LONG_FUNCTION, "51 lines"),
    ("hooks/a.py", LONG_FILE, "401 lines"),
    ("services/a.py", "def f(**how: Any): pass", "hides types"),
    ("services/a.py", "def f(**how: object): pass", "hides types"),
    ("views/a.py", "class A:\n    def show(self, **values: typing.Any): pass", "hides types"),
    ("operators/a.py", "def f(**kwargs: Any): pass", "hides types"),
    ("cli/a.py", "def f(**how): pass", "hides types"),
    ("views/a.py", "request(ctx, **vars(posted()))", "whole"),
    ("services/a.py", "Step(**{**asdict(step), 'name': 'x'})", "whole"),
    ("services/imports/a.py", "models.Submission(unit=unit)", "versions.draft()"),
    ("services/a.py", "def revoke(ctx, *, actor=None): pass", "drop the default"),
    ("services/a.py", "def revoke(ctx, actor=None): pass", "drop the default"),
    ("services/a.py", "def revoke(ctx): release.move_to(1)", "keyword-only"),
    ("services/a.py", "def revoke(ctx, actor): audit.record(ctx)", "keyword-only"),
    ("services/a.py", "class S:\n    def revoke(self, ctx): ctx.session.add(row)", "keyword-only"),
]

KEPT = [
    ("services/a.py", "def f(**data: JsonValue): pass"),
    ("operators/a.py", "class A:\n    def __init__(self, **kwargs: Any): pass"),
    ("views/web/base.py", "class A:\n    def render(self, **values: Any): pass"),
    ("domain/a.py", "values = {**vars(self), 'kind': self.kind.value}"),
    ("services/versions/versions.py", "Submission(unit=unit)"),
    ("views/a.py", on_page("return self._again() if x else _outside()")),
    ("views/a.py", on_page("return page.KNOWN.union(releases.get()) or ReleaseRequest.empty()")),
    ("views/a.py", on_page("if x: return page.a()\n        return page.b()")),
    ("views/a.py", on_page("return [x for x in releases.list_releases()]")),
    ("views/a.py", on_page("request(ReleaseRequest()); return self._again()", methods="'POST'")),
    (
        "views/a.py",
        on_page(
            "try: releases.act()\n        except E: return self._again()\n        return 1", methods="'POST'"
        ),
    ),
    ("api/routes/a.py", EFFECT + "with unit_of_work() as ctx:\n        request()\n        return page.a()"),
    ("api/serializers/a.py", IMPORTS + "def answer(row): return ReleaseRequest(row)"),
    ("services/a.py", IMPORTS + "def answer(row): return page.a() + page.b()"),
    ("models/base.py", "self.state = checked"),
    ("services/a.py", "before = release.state"),
    ("services/a/__init__.py", '"""What ``a.py`` is for: this.\n\nAnd more. Here."""'),
    ("migrations/env.py", ""),
    ("views/a.py", '"""A DAG."""\nflash(_("The Dag runs."))'),
    ("views/releases/a.py", "class ReleasesPage(BasePage): pass\nclass Row: pass"),
    ("services/promotion/a.py", "ctx.store.move_ref(ref, expected=a, new=b)"),
    ("repositories/a.py", "session.scalars(select(Release))"),
    ("airflow_internals/a.py", "session.execute(select(DagModel))"),
    ("services/promotion/promotions.py", "session.commit()"),
    ("api/a.py", "session.commit()"),
    ("services/a.py", "store.commit(parent=None)"),
    ("services/a.py", "# the audit event needs the id\nsession.flush()"),
    ("services/a.py", "session.flush()  # the event needs the id"),
    ("api/errors.py", "raise HTTPException(404)"),
    ("bundles/a.py", "raise AirflowException('no store')"),
    ("services/a.py", "def revoke(ctx, *, actor): release.move_to(1)"),
    ("services/a.py", "def _helper(ctx): release.move_to(1)"),
    ("services/a.py", "def expire(ctx): audit.record(ctx, actor=SYSTEM)"),
    ("services/a.py", "def is_admin(ctx, actor): return names.add(1)"),
    ("migrations/versions/0001.py", LONG_FUNCTION),
]


@pytest.mark.parametrize(("path", "code", "message"), BROKEN)
def test_a_broken_rule_is_found_and_says_what_to_do(path: str, code: str, message: str) -> None:
    findings = check_python(f"{PACKAGE}/{path}", code)

    assert [message in finding.message for finding in findings] == [True]


@pytest.mark.parametrize(("path", "code"), KEPT)
def test_what_the_rules_allow_is_left_alone(path: str, code: str) -> None:
    assert check_python(f"{PACKAGE}/{path}", code) == []


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ('<button class="x"\n onclick="go()">', "event handlers"),
        ("<script>go()</script>", "inline scripts"),
        ('<script defer src="https://cdn.example.org/x.js"></script>', "external URLs"),
        ("<link href='//cdn.example.org/x.css'>", "external URLs"),
        ("@import 'https://cdn.example.org/x.css'", "external URLs"),
        ("a { background: url(https://cdn.example.org/x.png) }", "external URLs"),
        ('<a href="javascript:go()">', "javascript:"),
    ],
)
def test_pages_load_nothing_from_outside_and_run_nothing_inline(markup: str, message: str) -> None:
    findings = check_page("views/templates/a.html", markup)

    assert [message in finding.message for finding in findings] == [True]


@pytest.mark.parametrize(
    "markup",
    [
        "<script defer src=\"{{ url_for('static', filename='app.js') }}\"></script>",
        '<script type="application/json">{"a": 1}</script>',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        '<input data-once="1" content="x">',
    ],
)
def test_ordinary_markup_is_left_alone(markup: str) -> None:
    assert check_page("views/templates/a.html", markup) == []


def test_a_class_name_that_is_taken_is_found_with_where_the_other_is() -> None:
    sources = [
        Source(f"{PACKAGE}/a.py", "class Plan: pass\nclass Row: pass"),
        Source(f"{PACKAGE}/b.py", "class Plan: pass"),
        Source("tests/test_c.py", "class Row: pass"),
    ]

    assert [(found.path, "Plan in" in found.message) for found in one_class_for_a_name(sources)] == [
        (f"{PACKAGE}/b.py", True)
    ]


def test_the_line_of_a_page_finding_is_where_it_starts() -> None:
    assert check_page("a.html", "<p>\n\n<script>").pop().line == 3


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("from datetime import datetime\n\nNOW = datetime.now()\n", "DTZ005"),
        ("from datetime import datetime\n\nNOW = datetime.utcnow()\n", "DTZ003"),
        ('print("x")\n', "T201"),
        ("from . import exceptions\n", "TID252"),
        ("import flask_appbuilder\n", "TID253"),
    ],
)
def test_ruff_is_set_to_find_the_rest(code: str, rule: str) -> None:
    path = f"{PACKAGE}/services/sample.py"
    found = subprocess.run(
        [
            sys.executable,
            *["-m", "ruff", "check", "--no-cache", "--output-format=concise", "--stdin-filename"],
            path,
            "-",
        ],
        input=code,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )

    assert rule in found.stdout


def test_the_repository_keeps_the_rules() -> None:
    assert [str(finding) for finding in check_repository(ROOT)] == []


def test_each_place_that_takes_any_keyword_still_does(monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((ROOT / PACKAGE).rglob("*.py"))
    sources = [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files]
    for place in OPEN_KEYWORDS:
        others = {key: reason for key, reason in OPEN_KEYWORDS.items() if key != place}
        with monkeypatch.context() as patch:
            patch.setattr("tools.type_rules.OPEN_KEYWORDS", others)
            paths = [finding.path for source in sources for finding in keywords_have_types(source)]

        assert paths, f"{place} takes no **name: Any any more: drop it from OPEN_KEYWORDS"
        assert all(path.startswith(f"{PACKAGE}/{place[0]}") for path in paths)


def test_a_line_of_a_template_has_at_most_120_columns() -> None:
    text = f"<p>\n{'x' * 120}\n{'é' * 121}\n</p>\n"
    assert [(finding.line, finding.message[:11]) for finding in check_page("a.html", text)] == [
        (3, "121 columns")
    ]
    assert check_page("a.css", text) == []


@pytest.mark.parametrize("place", MORE_THAN_ONE)
def test_a_handler_that_may_call_more_is_there_and_needs_to(place: str) -> None:
    path, _, name = place.partition(":")
    (handler,) = [
        h for h in handlers(Source(path, (ROOT / PACKAGE / path).read_text()).tree) if h.name == name
    ]

    assert not handler.is_kept


@pytest.mark.parametrize("path", CALLS_FOR_ALL)
def test_a_file_that_may_call_without_a_handler_is_there(path: str) -> None:
    assert list(handlers(Source(path, (ROOT / PACKAGE / path).read_text()).tree)) == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('raise ConflictError(f"{name} is busy.")', True),
        ('raise ConflictError("%(name)s is busy.", name=name)', False),
        ('raise ConflictError("a" if x else f"{name}")', True),
        ('raise ConflictError("it is " + name)', True),
        ('raise ConflictError("{} is busy".format(name))', True),
        ('text = Message(f"{name} is busy")', True),
        ('text = _(f"{name} is busy")', True),
        ('text = counted("%(num)s file", f"{n} files", n)', True),
        ('text = Message("%(seconds)s s", seconds=f"{x:g}")', False),
        ('raise ValueError(f"{name} is busy")', False),
    ],
)
def test_a_text_for_people_is_a_template_and_values(text: str, *, is_found: bool) -> None:
    found = [finding.message for finding in check_python(f"{PACKAGE}/services/x.py", text)]
    assert any("pass a template and values" in message for message in found) is is_found
