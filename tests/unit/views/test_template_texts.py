from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import airflow_release_plugin.views

TEMPLATES = Path(airflow_release_plugin.views.__file__).parent / "templates"
SHOWN = ("title", "aria-label", "placeholder", "alt")
RAW = {"script", "style", "code", "kbd", "pre"}
VALUE = "\0"
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CUT = re.compile(r"(reason|warnings|problems?|detail)\s*\|\s*(join|truncate)|\btitle\s*~")
_WORDS = re.compile("[A-Za-z]{2,}")
_JOINED = re.compile(rf"(^|{VALUE})\s*[:;,.(]|[(]\s*{VALUE}")


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._raw = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw += tag in RAW
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._raw -= tag in RAW

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.found.append(data)


def texts(path: Path) -> list[str]:
    reader = Texts()
    reader.feed(_VALUE.sub(VALUE, _JINJA.sub(" ", path.read_text(encoding="utf-8"))))
    return reader.found


ALL = [pytest.param(path, id=str(path.relative_to(TEMPLATES))) for path in sorted(TEMPLATES.rglob("*.html"))]


@pytest.mark.req("R79")
@pytest.mark.parametrize("path", ALL)
def test_no_template_has_words_that_no_catalogue_knows(path: Path) -> None:
    assert [text.strip() for text in texts(path) if _WORDS.search(text)] == []


@pytest.mark.req("R79")
@pytest.mark.parametrize("path", ALL)
def test_no_template_joins_texts_by_hand(path: Path) -> None:
    assert [text.replace(VALUE, "…").strip() for text in texts(path) if _JOINED.search(text)] == []


@pytest.mark.req("R79")
@pytest.mark.parametrize("path", ALL)
def test_no_template_cuts_or_joins_a_message_before_it_is_said(path: Path) -> None:
    assert [found[0] for found in _CUT.finditer(path.read_text(encoding="utf-8"))] == []
