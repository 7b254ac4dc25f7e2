from __future__ import annotations

import pytest

from airflow_release_plugin.domain.text.phrasing import (
    as_sentence,
    clauses,
    either,
    first_few,
    lines_of,
    linked,
    reason_of,
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


def raised(error: str) -> str:
    frame = '  File "a.py", line 2, in <module>\n    go()\n    ^^^^'
    return f"Traceback (most recent call last):\n{frame}\n{error}\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("", ""),
        ("\n\n", ""),
        (raised("ZeroDivisionError: division by zero"), "ZeroDivisionError: division by zero"),
        (raised("ValueError"), "ValueError"),
        (
            raised('yaml.Error: expected a mapping node\n  in "conf.yml", line 20, column 1'),
            "yaml.Error: expected a mapping node",
        ),
        (
            raised(
                'ParserError: while parsing\n  in "c.yml", line 1\nexpected <block end>\n  in "c.yml", line 3'
            ),
            "ParserError: while parsing expected <block end>",
        ),
        (
            f"{raised('KeyError: 1')}\nDuring handling of it:\n\n{raised('OSError: x')}",
            "OSError: x",
        ),
        ('ConstructorError: no constructor\n  in "conf.yml", line 20', "ConstructorError: no constructor"),
        (
            '  File "a.py", line 1\n    def (\n        ^\nSyntaxError: invalid syntax',
            "SyntaxError: invalid syntax",
        ),
        ("  all of it\n  is indented", "is indented"),
        (raised("E: " + "x" * 500), "E: " + "x" * 197),
    ],
)
def test_the_reason_of_an_error_is_what_was_raised(error: str, reason: str) -> None:
    assert reason_of(error) == reason


def test_our_own_words_below_an_error_are_its_reason() -> None:
    told = Message("Give a default.")

    assert reason_of(together([raised("KeyError: 'HOME'"), told], "\n")) is told
