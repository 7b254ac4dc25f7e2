"""What people take for the same text is the same text when they look for it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.text.folding import folded
from airflow_release_plugin.domain.text.search import search


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("İSTANBUL", "istanbul"),
        ("ΟΔΟΣ", "οδοσ"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "CAFÉ"),
        ("ＳＡＬＥＳ１２", "sales12"),
        ("ﬁnance", "Finance"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_what_is_written_in_two_ways_is_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)
    assert search(other, [one], lambda name: [name]) == [(0, one)]


def test_the_end_of_a_word_is_found_in_a_longer_one() -> None:
    """A small sigma has another form at the end of a word."""
    assert folded("ΟΔΟΣ") in folded("ΟΔΟΣΑ")


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", os.fsdecode(b"a\xffb")])
def test_what_no_database_holds_is_a_blank(text: str) -> None:
    assert folded(text) == "a b"


@given(text=st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)
