from __future__ import annotations

import pytest

from airflow_release_plugin.domain.text.phrasing import (
    as_sentence,
    clauses,
    either,
    first_few,
    lines_of,
    linked,
)
from airflow_release_plugin.messages import Message, together


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_what_is_too_much_for_a_sentence_is_counted(names: list[str], text: str) -> None:
    assert first_few(names, 2) == text


def test_one_name_is_shown_unless_more_are_asked_for() -> None:
    assert first_few(["a", "b", "c"]) == "a and 2 more"


FAILED = Message("Not parsed: %(reason)s", reason="no time")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one", ["one"]),
        (" one \n\n two\n", ["one", "two"]),
        (FAILED, [FAILED]),
        (
            together([FAILED, "somebody's\nown words", together([FAILED], "\n")], "\n"),
            [FAILED, "somebody's", "own words", FAILED],
        ),
        (Message("%(reason)s", reason=FAILED), [FAILED]),
        (Message("It says:\n%(reason)s", reason="no"), ["It says:", "no"]),
    ],
)
def test_lines_stay_what_they_were_before_they_were_put_together(text: str, lines: list[str]) -> None:
    found = lines_of(text)

    assert found == lines
    assert [type(line) for line in found] == [type(line) for line in lines]


def test_parts_are_linked_as_people_do_it() -> None:
    assert linked(["a", "b", "c"]) == "a and b and c"
    assert either(["a"]) == "a"
    assert either(["a", "b"]) == "a or b"
    assert clauses(["a", "b"], 2) == "a; b"
    assert clauses(["a", FAILED, "c", "d"], 2) == "a; Not parsed: no time; and 2 more"


def test_a_sentence_has_one_stop() -> None:
    assert as_sentence("It is off") == as_sentence("It is off.") == "It is off."
