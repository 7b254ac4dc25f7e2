from __future__ import annotations

import copy
import hashlib
import json
import pickle

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy.engine import default

from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.messages import (
    Message,
    MessageField,
    as_text,
    counted,
    from_text,
    keep_messages,
    restored,
    shortened,
    together,
)
from airflow_release_plugin.models.message_types import MessageText

INNER = Message("%(path)r is gone", path="a b.py")
OUTER = Message("Release %(number)s: %(why)s, 100%% of %(names)s.", number=7, why=INNER, names=["a", "b"])


def test_is_an_english_text_for_whoever_knows_nothing_of_it() -> None:
    assert OUTER == "Release 7: 'a b.py' is gone, 100% of a, b."
    assert json.dumps({"text": OUTER}) == json.dumps({"text": str.__str__(OUTER)})
    assert hashlib.sha256(OUTER.encode()).hexdigest() == hashlib.sha256(str(OUTER).encode()).hexdigest()


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "a file"), (2, "2 files")])
def test_counts(count: int, text: str) -> None:
    assert counted("a file", "%(num)s files", count) == text


@pytest.mark.parametrize(
    "message", [INNER, OUTER, counted("a file", "%(num)s files", 3), together([INNER, OUTER])]
)
def test_survives_every_way_that_it_goes(message: Message) -> None:
    ways = (
        restored(json.loads(json.dumps(keep_messages(message)))),
        from_text(as_text(message)),
        pickle.loads(pickle.dumps(message)),
        copy.deepcopy(message),
    )
    for arrived in ways:
        assert isinstance(arrived, Message)
        assert arrived == message
        assert arrived.stored() == message.stored()


def test_is_found_at_any_depth_of_json() -> None:
    value = {"rows": [{"why": OUTER, "n": 1}], "plain": "text"}

    arrived = restored(json.loads(json.dumps(keep_messages(value))))

    assert arrived == value
    assert arrived["rows"][0]["why"].values["why"].template == "%(path)r is gone"


@pytest.mark.parametrize(
    "text",
    ["plain", "", '{"$message"', '{"$message": "a", "more": 1}', '{"$message": 7', '["$message"]'],
)
def test_what_only_looks_like_one_stays_a_text(text: str) -> None:
    assert from_text(text) == text
    assert not isinstance(from_text(text), Message)


@pytest.mark.parametrize(
    "stored",
    [
        {"$message": "a %(b)s", "values": None},
        {"$message": "a %(b)s", "values": ["b"]},
        {"$message": ["a"], "values": {}},
        {"$message": "a", "values": {"b": {"c": [1, {"$message": "d"}]}}, "many": 7, "count": "x"},
    ],
)
def test_whatever_comes_from_outside_becomes_a_text(stored: dict[str, object]) -> None:
    arrived = restored(stored)
    assert isinstance(arrived, str)
    assert json.dumps(keep_messages(arrived))


@pytest.mark.parametrize(
    "words",
    [
        '{"$message": "Approved by %(who)s.", "values": {"who": "the board"}}',
        '{"$message": "x", "values": {"a": ' + "[" * 900 + "]" * 900 + "}}",
        '{"$message": 7',
    ],
)
def test_own_words_that_claim_to_be_a_message_come_back_as_they_were(words: str) -> None:
    column = MessageText()
    kept = column.process_bind_param(words, default.DefaultDialect())

    assert column.process_result_value(kept, default.DefaultDialect()) == words
    assert as_text(from_text(as_text(words))) == as_text(words)


@pytest.mark.parametrize("field", ["%(a)s", "%(a)r"])
def test_messages_that_repeat_one_another_do_not_fill_the_memory(field: str) -> None:
    stored: object = "ab"
    for _ in range(4):
        stored = {"$message": field * 50, "values": {"a": stored}}

    assert len(restored(stored)) < 1_000_000


def test_a_template_of_somebody_else_reaches_nothing() -> None:
    assert Message("%(a.__class__)s %(b)s %s {a}", a="x") == "%(a.__class__)s %(b)s %s {a}"


def test_an_error_is_made_of_template_and_values() -> None:
    error = ConflictError("%(number)s is closed.", number="R-1", hint="reload")

    assert (str(error), error.message.template) == ("R-1 is closed.", "%(number)s is closed.")
    assert error.context == {"number": "R-1", "hint": "reload"}
    assert Message("It failed: %(why)s", why=error).values["why"] is error.message


class Body(BaseModel):
    why: MessageField = ""


def test_a_body_keeps_it_whole() -> None:
    sent = Body(why=OUTER).model_dump(mode="json")

    assert isinstance(Body.model_validate(json.loads(json.dumps(sent))).why, Message)
    assert Body(why=" plain ").model_dump(mode="json") == {"why": "plain"}
    with pytest.raises(ValidationError, match="must be a text"):
        Body.model_validate({"why": 7})


def test_what_is_cut_is_plain() -> None:
    assert isinstance(shortened(INNER, 100), Message)
    assert shortened(INNER, 4) == "'a b"
