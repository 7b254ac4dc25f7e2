from __future__ import annotations

import threading

import pytest

from airflow_release_plugin.languages import (
    CHINESE,
    ENGLISH,
    chosen,
    language,
    said,
    said_throughout,
    speaking,
)
from airflow_release_plugin.messages import Message, counted, together
from scripts import translations

SAVED = Message("Your decision was recorded.")


@pytest.mark.parametrize(
    ("wanted", "accepted", "tag"),
    [
        (None, "", ENGLISH),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        (None, "en-US,zh;q=0.5", ENGLISH),
        (None, "de, zh-Hans;q=0.5", CHINESE),
        (None, "zh-TW,zh-HK;q=0.9", ENGLISH),
        (None, "zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", ENGLISH),  # as Chrome sends it in Taiwan
        (None, "zh-HK,zh-TW;q=0.8,zh;q=0.7,zh-CN;q=0.5", CHINESE),  # asked for by name, if late
        (None, "zh,zh-TW;q=0.5", CHINESE),
        (None, "zh-Hant-CN,zh;q=0.5", ENGLISH),
        (None, "zh-Hans-HK,zh;q=0.9", CHINESE),  # Simplified, in Hong Kong
        (None, "zh;q=0", ENGLISH),
        (None, "zh-TW; q=0.9, de; q=0.8", ENGLISH),
        (None, "en ; q=0.1, zh-CN; Q=0.9", CHINESE),
        (None, "zh;q=nonsense, en", ENGLISH),
        (None, "\x00;;;,,", ENGLISH),
        (None, "zh," * 100_000, CHINESE),
        ("zh-CN", "en", CHINESE),
        ("zh_CN", "en", CHINESE),
        ("zh-TW", "zh-CN", ENGLISH),
        ("zh-Hans-TW", "en", CHINESE),
        ("de", "zh-CN", ENGLISH),
        ("en", "zh-CN", ENGLISH),
    ],
)
def test_what_is_chosen_counts_before_what_is_accepted(wanted: str | None, accepted: str, tag: str) -> None:
    assert chosen(wanted, accepted) == tag


@pytest.mark.req("R79")
def test_the_same_message_is_said_to_each_in_their_language() -> None:
    assert said(SAVED) == "Your decision was recorded."
    with speaking(CHINESE):
        assert said(SAVED) == translations_of(SAVED.template)
    assert language() == ENGLISH


def translations_of(text: str) -> str:
    from airflow_release_plugin.languages import catalogue

    found = catalogue(CHINESE).gettext(text)
    assert found != text
    return found


def test_a_message_in_a_message_is_said_too() -> None:
    with speaking(CHINESE):
        assert said(together([SAVED, SAVED])) == f"{said(SAVED)}{said(SAVED)}"
        assert said(Message("%(what)s", what=[SAVED, "a"])) == f"{said(SAVED)}、a"
        assert said_throughout({"rows": (SAVED, 1), "x": None}) == {"rows": (said(SAVED), 1), "x": None}


def test_a_value_is_said_once_however_often_it_is_named() -> None:
    message = Message("")
    for _ in range(30):
        message = Message("%(a)s%(a)s", a=message)
    with speaking(CHINESE):
        assert said(message) == ""


def test_a_count_has_one_form_in_chinese() -> None:
    with speaking(CHINESE):
        one, many = (said(counted("%(num)s file", "%(num)s files", number)) for number in (1, 2))
    assert one.replace("1", "2") == many


def test_what_nobody_translated_is_said_in_english() -> None:
    with speaking("tlh"):
        assert said(SAVED) == SAVED
    with speaking(CHINESE):
        assert said(Message("No %(catalogue)s has this.", catalogue="x")) == "No x has this."
        assert said("somebody's own words") == "somebody's own words"


def test_threads_speak_each_for_themselves() -> None:
    heard = []
    with speaking(CHINESE):
        thread = threading.Thread(target=lambda: heard.append(language()))
        thread.start()
        thread.join()
    assert heard == [ENGLISH]


@pytest.mark.req("R79")
def test_every_text_is_translated_and_every_catalogue_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert translations.main(is_check=True) == 0, capsys.readouterr().out
