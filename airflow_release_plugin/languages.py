"""
The languages that people are spoken to in, and the one of whoever is spoken to now.

An edge (a page, the REST API, a message to a person) says with :func:`speaking` whom it speaks to; what it
shows goes through :func:`said`. Without an edge it is English: logs and the command line.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from airflow_release_plugin.messages import Message, fill

ENGLISH, CHINESE = "en", "zh-CN"
LANGUAGES = {ENGLISH: "English", CHINESE: "简体中文"}
"""By the tag that Airflow's switch of languages knows, the name of the language in itself."""
CATALOGUES = Path(__file__).parent / "translations"
DOMAIN = "messages"
_LOCALES = {CHINESE: "zh_CN"}
_SEPARATORS = {CHINESE: "、"}
_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
_WIDE_STOP = re.compile("([，。；：？！]) ")
"""Full-width punctuation has its blank in itself; one that the join of two sentences leaves is too much."""
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The tag of the language that is spoken now."""
    return _language.get()


def locale_of(tag: str) -> str:
    """The name by which catalogues and dates know a language."""
    return _LOCALES.get(tag, tag)


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Speak ``tag`` inside of the block; one that nobody translated is English."""
    token = _language.set(tag if tag in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(token)


def chosen(wanted: str | None, accepted: str = "") -> str:
    """
    The language for somebody.

    :param wanted: tag that they chose in Airflow; one of its languages that we do not speak is English
    :param accepted: the ``Accept-Language`` header (RFC 9110, 12.5.4), which counts where nothing was chosen
    """
    if wanted:
        return _nearest(wanted) or ENGLISH
    tags = _by_weight(accepted)
    before_zh = tags[: tags.index("zh")] if "zh" in tags else []
    if any(map(_is_traditional, before_zh)):
        # Browsers add the bare language behind each region: after zh-TW it is Traditional Chinese too.
        tags = [tag for tag in tags if tag != "zh"]
    return next((tag for tag in map(_nearest, tags) if tag), ENGLISH)


def _nearest(tag: str) -> str | None:
    if _is_traditional(tag):
        # Who reads Traditional Chinese is not served Simplified: they chose against it.
        return None
    return {"zh": CHINESE, "en": ENGLISH}.get(_parts(tag)[0])


def _is_traditional(tag: str) -> bool:
    """Whether it is Chinese of a place that writes it so, unless the tag itself says otherwise."""
    language_part, *others = _parts(tag)
    return language_part == "zh" and "hans" not in others and not _TRADITIONAL.isdisjoint(others)


def _parts(tag: str) -> list[str]:
    return tag.strip().replace("_", "-").lower().split("-")


def _by_weight(accepted: str) -> list[str]:
    weighed = []
    # Blanks may stand around each sign, and case says nothing.
    for position, part in enumerate(re.sub(r"\s", "", accepted[:1000]).lower().split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0:
            weighed.append((-weight, position, tag))
    return [tag for _, _, tag in sorted(weighed)]


@cache
def catalogue(tag: str) -> gettext.NullTranslations:
    """The catalogue of a language; English needs none."""
    if tag not in _LOCALES:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, CATALOGUES, [_LOCALES[tag]])


def said(text: str) -> str:
    """A text in the language that is spoken now; what is no :class:`Message` is somebody's own words."""
    if not isinstance(text, Message) or language() == ENGLISH:
        return text
    words = catalogue(language())
    if text.many is None:
        # Of nothing, a catalogue says what it is itself.
        template = words.gettext(text.template) if text.template else ""
    else:
        template = words.ngettext(text.template, text.many, text.number)
    filled = fill(template, text.values, say=said, separator=_SEPARATORS[language()])
    return _WIDE_STOP.sub(r"\1", filled)


def said_throughout(value: Any) -> Any:
    """The same value, with each message in it, at any depth of lists and mappings, as :func:`said`."""
    if isinstance(value, str):
        return said(value)
    if language() == ENGLISH:
        return value
    if type(value) is dict:
        return {key: said_throughout(each) for key, each in value.items()}
    return type(value)(map(said_throughout, value)) if type(value) in (list, tuple) else value
