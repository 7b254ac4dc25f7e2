from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.text_diff import MAX_BYTES, FileDiff, LineKind, diff_texts

MARKS = {LineKind.CONTEXT: " ", LineKind.ADD: "+", LineKind.DELETE: "-"}


def shown(diff: FileDiff) -> list[str]:
    return [MARKS[line.kind] + line.text for hunk in diff.hunks for line in hunk.lines]


def side(diff: FileDiff, other: LineKind) -> list[tuple[str, bool]]:
    lines = [line for hunk in diff.hunks for line in hunk.lines]
    return [(line.text, line.no_newline) for line in lines if line.kind is not other]


def text(*numbers: object) -> bytes:
    return "".join(f"{number}\n" for number in numbers).encode()


def test_a_changed_line_is_shown_with_its_context() -> None:
    diff = diff_texts(text(*range(10)), text(*range(5), "x", *range(6, 10)), context=2)

    assert shown(diff) == [" 3", " 4", "-5", "+x", " 6", " 7"]
    assert (diff.added, diff.removed) == (1, 1)


def test_line_numbers_count_each_side() -> None:
    (hunk,) = diff_texts(text("a", "b"), text("new", "a", "b"), context=1).hunks

    assert [(line.old_no, line.new_no) for line in hunk.lines] == [(None, 1), (1, 2)]
    assert (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) == (1, 1, 1, 2)


@pytest.mark.parametrize(("gap", "hunks"), [(6, 1), (7, 2)])
def test_changes_share_a_hunk_when_their_context_meets(gap: int, hunks: int) -> None:
    old = text("a", *range(gap), "b")

    assert len(diff_texts(old, old.replace(b"a", b"x").replace(b"b", b"y"), context=3).hunks) == hunks


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (None, b"a\nb\n", ["+a", "+b"]),
        (b"a\n", None, ["-a"]),
        (None, None, []),
        (b"a\n", b"a\n", []),
        (b"", b"a\n", ["+a"]),
        (b"a\nb\nc\n", b"a\nc\n", [" a", "-b", " c"]),
        (b"a\r\n", b"a\n", ["-a\r", "+a"]),
        (b"a\x0cb\n", b"a\x0cc\n", ["-a\x0cb", "+a\x0cc"]),
        ("é\n".encode(), "è\n".encode(), ["-é", "+è"]),
        (b"a\n\n", b"a\n", [" a", "-"]),
    ],
)
def test_lines_are_kept_as_they_are(old: bytes | None, new: bytes | None, lines: list[str]) -> None:
    assert shown(diff_texts(old, new)) == lines


def test_a_missing_newline_at_the_end_is_a_change() -> None:
    (hunk,) = diff_texts(b"a", b"a\n").hunks

    assert [(line.kind, line.no_newline) for line in hunk.lines] == [
        (LineKind.DELETE, True),
        (LineKind.ADD, False),
    ]


def test_bytes_that_are_no_utf8_are_read_as_latin_1() -> None:
    diff = diff_texts(b"caf\xe9\n", b"caf\xe8\n")

    assert (shown(diff), diff.encoding) == (["-café", "+cafè"], "latin-1")


def test_binary_content_has_no_lines() -> None:
    diff = diff_texts(b"a\0b", b"a\0c")

    assert (diff.binary, diff.changed, diff.hunks, diff.old_size) == (True, True, (), 3)


@pytest.mark.parametrize("huge", [b"x" * (MAX_BYTES + 1), b"\n" * 50_001])
def test_a_huge_file_is_flagged_and_not_compared(huge: bytes) -> None:
    diff = diff_texts(b"a\n", huge)

    assert (diff.too_large, diff.changed, diff.hunks, diff.new_size) == (True, True, (), len(huge))


def test_an_equal_pair_is_unchanged() -> None:
    assert not diff_texts(b"a", b"a").changed


def test_a_moved_function_is_one_removal_and_one_addition() -> None:
    first, second = [f"a{n}" for n in range(6)], [f"b{n}" for n in range(9)]
    diff = diff_texts(text(*first, *second), text(*second, *first))

    assert (diff.added, diff.removed) == (6, 6)


LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=25)


@given(LINES, LINES, st.booleans())
def test_both_sides_can_be_read_off_a_full_diff(old: list[str], new: list[str], ends: bool) -> None:
    before, after = text(*old), text(*new) if ends else text(*new)[:-1]
    diff = diff_texts(before, after, context=1000)
    if not diff.changed:
        return

    for data, other in ((before, LineKind.ADD), (after, LineKind.DELETE)):
        lines = side(diff, other)
        assert "".join(line + ("" if bare else "\n") for line, bare in lines).encode() == data


@given(LINES, LINES, st.integers(0, 3))
def test_counts_are_those_of_the_hunks(old: list[str], new: list[str], context: int) -> None:
    diff = diff_texts(text(*old), text(*new), context=context)
    kinds = [line.kind for hunk in diff.hunks for line in hunk.lines]

    assert (kinds.count(LineKind.ADD), kinds.count(LineKind.DELETE)) == (diff.added, diff.removed)
    assert diff.added - diff.removed == len(new) - len(old)


@given(LINES, LINES)
def test_hunks_are_in_order_and_apart(old: list[str], new: list[str]) -> None:
    numbers = [
        line.old_no
        for hunk in diff_texts(text(*old), text(*new), context=1).hunks
        for line in hunk.lines
        if line.old_no
    ]

    assert numbers == sorted(set(numbers))


def _shuffled(lines: list[str]) -> list[str]:
    return random.Random(1).sample(lines, len(lines))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([str(n) for n in range(5000)], [f"n{n}" for n in range(5000)]),
        ([str(n) for n in range(5000)], [str(n) for n in range(4999, -1, -1)]),
        ([str(n % 300) for n in range(5000)], _shuffled([str(n % 300) for n in range(5000)])),
        (["a", "b"] * 2500, ["b", "a", "c"] * 1600),
        ([str(n) for n in range(5000)], _shuffled([str(n) for n in range(5000)])),
    ],
    ids=["all new", "reversed", "repeats shuffled", "two lines", "shuffled"],
)
def test_five_thousand_lines_take_a_moment(old: list[str], new: list[str]) -> None:
    started = time.process_time()
    diff_texts(text(*old), text(*new))

    assert time.process_time() - started < 5  # 0.1 s on an idle machine


@pytest.mark.req("R4")
def test_blanks_can_be_left_out_of_the_comparison() -> None:
    old, new = b"if a:\n  b = 1\nc\n", b"if  a:\n    b=1\nd\n"

    diff = diff_texts(old, new, ignore_whitespace=True)

    assert shown(diff) == [" if  a:", "     b=1", "-c", "+d"]
    assert (diff.added, diff.removed, diff.changed) == (1, 1, True)


@given(st.lists(st.sampled_from("abc ")), st.lists(st.sampled_from("abc ")))
def test_a_diff_with_all_context_has_the_total_number_of_lines(old: list[str], new: list[str]) -> None:
    diff = diff_texts(text(*old), text(*new), context=1000)

    assert sum(len(hunk.lines) for hunk in diff.hunks) == (diff.total if diff.hunks else 0)
