"""Diffs as pages show them."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from airflow_release_plugin.analysis.text_diff import diff_texts
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.services.versions.file_diffs import ChangedFile
from airflow_release_plugin.views.widgets.diff_rows import LINES_AT_ONCE, PAGE_LINES, ShownFile, shown_files
from airflow_release_plugin.views.widgets.highlight import MAX_CHARACTERS, coloured_lines


@pytest.fixture
def app() -> Flask:
    return Flask(__name__)


def changed(old: str | None, new: str | None, path: str = "a.py", context: int = 3) -> ChangedFile:
    before, after = (None if side is None else side.encode() for side in (old, new))
    return ChangedFile(path, ChangeKind.MODIFIED, diff_texts(before, after, context=context), before, after)


def numbered(count: int, **other: str) -> str:
    return "".join(other.get(f"l{n}", f"line {n}") + "\n" for n in range(count))


def show(app: Flask, *files: ChangedFile, query: str = "") -> list[ShownFile]:
    with app.test_request_context(f"/?{query}"):
        return shown_files(files)


def plain(file: ShownFile) -> list[str]:
    """Lines without colours; folded ones as ``first+count``."""
    return [
        text
        for block in file.blocks
        for text in (
            [f"{block.first}+{block.folded}"]
            if block.folded
            else [re.sub("<[^>]*>", "", line.html) for line in block.lines]
        )
    ]


@pytest.mark.req("R4")
def test_lines_that_did_not_change_are_folded(app: Flask) -> None:
    (file,) = show(app, changed(numbered(20), numbered(20, l10="x")))
    assert plain(file) == [
        "0+7",
        "line 7",
        "line 8",
        "line 9",
        "line 10",
        "x",
        *(f"line {n}" for n in (11, 12, 13)),
        "15+6",
    ]


@pytest.mark.req("R4")
def test_folded_lines_come_when_they_are_asked_for(app: Flask) -> None:
    whole = changed(numbered(20), numbered(20, l10="x"), context=10_000)
    (file,) = show(app, whole, query="only=a.py&first=15&last=21")
    assert plain(file) == [f"line {n}" for n in range(14, 20)]


def test_folded_and_shown_lines_together_are_the_whole_file(app: Flask) -> None:
    old, new = numbered(300), numbered(301, l0="x", l100="y", l250="z")
    (file,) = show(app, changed(old, new))
    lines = []
    for text in plain(file):
        if found := re.fullmatch(r"(\d+)\+(\d+)", text):
            first, count = map(int, found.groups())
            query = f"only=a.py&first={first}&last={first + count}"
            (part,) = show(app, changed(old, new, context=10_000), query=query)
            lines += plain(part)
        else:
            lines.append(text)
    (whole,) = show(app, changed(old, new, context=10_000), query="only=a.py")
    assert lines == plain(whole)


def test_a_long_file_comes_in_parts(app: Flask) -> None:
    (file,) = show(app, changed(None, numbered(5000)))
    assert plain(file)[-1] == f"{LINES_AT_ONCE}+{5000 - LINES_AT_ONCE}"
    (part,) = show(app, changed(None, numbered(5000), context=10**6), query="only=a.py&first=2000&last=5000")
    assert (plain(part)[0], plain(part)[-1]) == ("line 2000", f"{2 * LINES_AT_ONCE}+1000")


def test_a_page_of_many_files_stays_small(app: Flask) -> None:
    files = show(app, *(changed(None, numbered(1900), f"{n}.py") for n in range(10)))
    assert sum(len(block.lines) for file in files for block in file.blocks) <= PAGE_LINES
    assert plain(files[-1]) == ["0+1900"]


@pytest.mark.req("R4")
def test_what_changed_inside_of_a_line_is_marked(app: Flask) -> None:
    (file,) = show(app, changed("retries = 3\n", "retries = 12\n", "a.txt"))
    assert [str(line.html) for line in file.blocks[0].lines] == [
        "retries = <mark>3</mark>",
        "retries = <mark>12</mark>",
    ]


def test_lines_without_anything_in_common_are_not_marked(app: Flask) -> None:
    (file,) = show(app, changed("import os\n", "x = 17\n", "a.txt"))
    assert not any("<mark>" in line.html for line in file.blocks[0].lines)


@pytest.mark.req("R4")
@pytest.mark.parametrize(
    ("path", "text", "html"),
    [
        ("dags/a.py", "def f():", '<span class="tk-k">def</span>'),
        ("sql/a.sql", "select 1", '<span class="tk-k">select</span>'),
        ("a.yaml", "a: 'b'", '<span class="tk-s">'),
        ("a.json", '{"a": 1}', '<span class="tk-n">1</span>'),
        ("a.unknown", "def f():", "def f():"),
    ],
)
def test_code_is_coloured_by_the_name_of_its_file(app: Flask, path: str, text: str, html: str) -> None:
    (file,) = show(app, changed(None, text, path))
    assert html in file.blocks[0].lines[0].html


def test_code_cannot_become_markup(app: Flask) -> None:
    (file,) = show(app, changed("a = '<b>'\n", "a = '<script>'\n"))
    assert not re.search("<(b|script)>", "".join(line.html for line in file.blocks[0].lines))


def test_line_ends_of_windows_and_a_missing_last_one_are_told(app: Flask) -> None:
    (file,) = show(app, changed("a\nb", "a\r\nb\r\n"))
    lines = file.blocks[0].lines
    assert [(line.is_crlf, line.no_newline) for line in lines] == [
        (False, False),
        (False, True),
        (True, False),
        (True, False),
    ]
    assert file.is_crlf_changed
    assert "\r" not in "".join(line.html for line in lines)


def test_text_that_is_no_utf_8_is_still_shown(app: Flask) -> None:
    old, new = b"caf\xe9\n", b"caf\xe8\n"
    (file,) = show(app, ChangedFile("a.py", ChangeKind.MODIFIED, diff_texts(old, new), old, new))
    assert file.diff.encoding == "latin-1"
    assert "café" in "".join(plain(file))


def test_a_very_long_text_stays_without_colours() -> None:
    assert coloured_lines("a.py", "x" * (MAX_CHARACTERS + 1)) is None


def test_colours_keep_every_line(app: Flask) -> None:
    text = '"""a\nb\n\r\n"""\n\n\ndef f():\n\tpass\x0c\n'
    lines = coloured_lines("a.py", text)
    assert lines is not None
    assert "\n".join("".join(part for _, part in line) for line in lines) == text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("if ok:  # \u202e }\u2066 nothing", "if ok:  # U+202E }U+2066 nothing"),
        ("# harmless\rimport os", "# harmlessU+000Dimport os"),
        ("pass\u200bword = 1", "passU+200Bword = 1"),
        ("x = '\x1b[2J\x00'", "x = &#39;U+001B[2JU+0000&#39;"),
        ("x = 1\r", "x = 1"),
        (
            "x = '\u0645\u0631\u062d\u0628\u0627 \u2764\ufe0f'",
            "x = &#39;\u0645\u0631\u062d\u0628\u0627 \u2764\ufe0f&#39;",
        ),
    ],
)
def test_signs_that_hide_what_code_does_are_spelt(app: Flask, line: str, shown: str) -> None:
    """A reviewer approves what they see (CVE-2021-42574); Python ends a line at a lone carriage return."""
    (file,) = show(app, changed("", f"{line}\n" * 9000 if "\x00" in line else f"{line}\n", path="a.txt"))
    if not file.diff.binary:
        assert plain(file)[0] == shown
