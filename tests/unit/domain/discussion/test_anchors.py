"""A thread follows its line into another text of the file, or is outdated; never to another line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.discussion.anchors import (
    LONGEST_LINE,
    Anchor,
    LineMap,
    anchor_at,
    lines_of,
)

pytestmark = pytest.mark.req("R91")
THEN = ["import a", "import b", "", "def f():", "    return 1", "", "def g():", "    return 2"]


def anchor(line: int, lines: list[str] = THEN) -> Anchor:
    found = anchor_at(lines, line)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (THEN, 5),
        (["# new", *THEN], 6),
        (THEN[1:], 4),
        ([*THEN[:4], "    x = 0", *THEN[4:]], 6),
        ([*THEN, "more"], 5),
        (THEN[:5], 5),
    ],
)
def test_a_line_is_followed_to_where_it_is(now: list[str], line: int) -> None:
    assert LineMap(THEN, now).follow(anchor(5)) == line


@pytest.mark.parametrize("now", [[*THEN[:4], "    return 3", *THEN[5:]], THEN[:4] + THEN[5:], []])
def test_a_line_that_was_changed_or_taken_away_is_gone(now: list[str]) -> None:
    assert LineMap(THEN, now).follow(anchor(5)) is None


def test_a_block_that_moved_as_a_whole_is_found_by_its_context() -> None:
    block = [f"line {n}" for n in range(7)]
    then = [*block, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
    now = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", *block]

    assert LineMap(then, now).follow(anchor(4, then)) == 14


def test_without_the_text_of_then_the_context_decides() -> None:
    assert LineMap(None, ["# new", *THEN]).follow(anchor(5)) == 6
    assert LineMap(None, THEN + THEN).follow(anchor(5)) is None


def test_a_line_that_no_database_keeps_is_kept_readably_and_followed() -> None:
    then = ["a", "b\x00", "c"]
    found = anchor(2, then)
    assert found.text == "b\ufffd"
    assert LineMap(then, ["new", *then]).follow(found) == 3


def test_very_long_files_and_lines_are_followed_too() -> None:
    then = [f"line {n}" for n in range(30_000)]
    now = [f"other {n}" for n in range(20_000)] + then[10_000:]
    long = ["x" * 10_000, "y"]

    assert LineMap(then, now).follow(anchor(29_000, then)) == 39_000
    assert len(anchor(1, long).text) == LONGEST_LINE
    assert LineMap(long, ["", *long]).follow(anchor(1, long)) == 2


@pytest.mark.parametrize("line", [0, -1, 9, 2**31 - 1])
def test_a_line_that_is_not_there_has_no_anchor(line: int) -> None:
    assert anchor_at(THEN, line) is None


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\n\n", ["a", ""]),
        ("\x0c", ["\x0c"]),
    ],
)
def test_lines_are_those_that_a_diff_numbers(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines


some_lines = st.lists(st.sampled_from(["a", "b", "", "c = 1", "d()"]), max_size=12)


@given(some_lines, some_lines, st.integers(1, 12))
def test_where_it_follows_to_is_the_same_line(then: list[str], now: list[str], line: int) -> None:
    found = anchor_at(then, line)
    if found is None:
        return
    place = LineMap(then, now).follow(found)
    assert place is None or now[place - 1] == then[line - 1]


@given(some_lines, some_lines, some_lines, st.integers(1, 12))
def test_what_is_put_around_a_text_moves_its_lines(
    then: list[str], above: list[str], below: list[str], line: int
) -> None:
    then = [f"{n} {text}" for n, text in enumerate(then)]
    found = anchor_at(then, line)
    if found is not None:
        assert LineMap(then, [*above, *then, *below]).follow(found) == line + len(above)
