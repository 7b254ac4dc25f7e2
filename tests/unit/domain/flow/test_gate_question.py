from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.flow.gate_question import GateQuestion, recorded_question
from airflow_release_plugin.exceptions import InvalidRequestError

pytestmark = pytest.mark.req("R88")


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("Go on?", "Go on?"),
        ("***", "secret"),
        ("***", ""),
        ("use *** now", "use secret now"),
        ("*** and ***", "one and two"),
        ("a *** b *** c", "a x b y c"),
        ("a ***", "a ***"),
    ],
)
def test_masked_text_is_the_same_whatever_the_mask_hides(recorded: str, said: str) -> None:
    assert GateQuestion("?", recorded).allows(GateQuestion("?", said))
    assert GateQuestion(recorded).allows(GateQuestion(said))


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ("Go on?", "Go on"),
        ("Go on?", "***"),
        ("use *** now", "use secret later"),
        ("use *** now", "now use secret"),
        ("aba***aba", "aba"),
        ("a *** b *** c", "a x c"),
        ("*** b ***b", "x b"),
    ],
)
def test_text_around_a_mask_counts(recorded: str, said: str) -> None:
    assert not GateQuestion("?", recorded).allows(GateQuestion("?", said))


def test_comparing_takes_no_longer_with_many_masks() -> None:
    recorded, said = "***a" * 2000, "a" * 9999 + "b"

    assert not GateQuestion("?", recorded).allows(GateQuestion("?", said))


@pytest.mark.parametrize(
    ("rendered", "why"),
    [
        ({}, "0 characters"),
        ({"title": None}, "0 characters"),
        ({"title": " "}, "0 characters"),
        ({"title": "x" * 201}, "201 characters"),
        ({"title": "x", "message": "x" * 10_001}, "10001 characters"),
        ({"title": "x", "approvers": ["a"] * 101}, "101 approvers"),
        ({"title": "x", "message": "\x00"}, "NUL"),
        ({"title": "x", "valid_hours": "soon"}, "number of hours"),
        ({"title": "x", "valid_hours": "nan"}, "number of hours"),
        ({"title": "x", "valid_hours": [1]}, "number of hours"),
    ],
)
def test_what_is_no_question_is_refused_with_the_next_step(rendered: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        recorded_question(rendered)


def test_fields_that_a_subclass_left_out_have_their_defaults() -> None:
    assert recorded_question({"title": "x"}) == GateQuestion("x")
