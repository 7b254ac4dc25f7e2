"""
A language in which each text of the product is marked, so that what no catalogue could translate shows.

Pages are asked for in it by every test of them, in whatever state they are; the marks are taken off before
the test reads the page. A text that is in the catalogue and stands on a page without marks was lost on its
way: it was joined to another by hand, or turned into plain text.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

import pytest

from airflow_release_plugin import languages
from airflow_release_plugin.messages import FIELD
from airflow_release_plugin.views.web import language as page_language
from scripts.translations import collected

TAG = "marked"
OPEN, CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
_SHOWN_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")
_RAW = {"script", "style", "code", "pre", "textarea"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Marking(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def speak_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all pages speak the marked language from now on."""
    monkeypatch.setitem(languages.LANGUAGES, TAG, "marked")
    monkeypatch.setitem(languages._LOCALES, TAG, "en")
    monkeypatch.setitem(languages._SEPARATORS, TAG, ", ")
    for module in (languages, page_language):
        monkeypatch.setattr(module, "catalogue", lambda _tag: _Marking())
    monkeypatch.setattr(page_language, "chosen", lambda *_: TAG)


def without_marks(text: str) -> str:
    """The text as a reader of English would see it."""
    return text.replace(OPEN, "").replace(CLOSE, "")


def lost_texts(page: str) -> list[str]:
    """Texts of the catalogue that stand on an HTML page without marks."""
    reader = _Reader()
    reader.feed(page)
    return [text for shown in reader.shown for text in _unmarked(shown) if _is_ours(text)]


class _Reader(HTMLParser):
    """Collects what a page shows, but for code and what somebody wrote, which has a direction of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[str] = []
        self._around: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        is_kept = tag in _RAW or facts.get("dir") == "auto"
        if not is_kept and not any(self._around):
            self.shown += [str(facts[name]) for name in _SHOWN_ATTRIBUTES if facts.get(name)]
        if tag not in _VOID:
            self._around.append(is_kept)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._around:
            self._around.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._around):
            self.shown.append(data)


def _unmarked(text: str) -> Iterator[str]:
    while (shorter := _MARKED.sub("\0", text)) != text:
        text = shorter
    yield from filter(None, (part.strip() for part in re.split(f"[\0{OPEN}{CLOSE}]", text)))


@cache
def _patterns() -> tuple[frozenset[str], dict[str, list[re.Pattern[str]]]]:
    """Texts of more than a word without fields; and those with fields, by their first letters."""
    plain, filled = set(), {}
    for one, many in collected().items():
        for text in filter(None, (one, many)):
            if not FIELD.search(text):
                if len(text.split()) > 2:  # shorter ones may be somebody's own words, too
                    plain.add(text.strip())
                continue
            literals = FIELD.split(text.strip())[:: FIELD.groups + 1]
            longest = max(literals, key=len)
            if len(longest.split()) > 2:
                pattern = re.compile(".+".join(map(re.escape, literals)), re.DOTALL)
                filled.setdefault(longest, []).append(pattern)
    return frozenset(plain), filled


@cache
def _is_ours(text: str) -> bool:
    plain, filled = _patterns()
    if text in plain:
        return True
    return any(literal in text and any(p.fullmatch(text) for p in ps) for literal, ps in filled.items())
