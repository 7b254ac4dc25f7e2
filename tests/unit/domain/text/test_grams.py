from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.text.grams import (
    MOST_LETTERS,
    grams_of,
    grams_of_likeness,
    grams_of_part,
    word_key,
    words_of,
)
from airflow_release_plugin.domain.text.search import LONGEST, most_errors, within

LETTERS = "abc_1"


def test_words_are_what_white_space_parts_in_small_letters() -> None:
    assert words_of(["Daily Sales", "team/DAILY_load.py", " ÄÖ\t"]) == {
        "daily",
        "sales",
        "team/daily_load.py",
        "äö",
    }
    assert words_of(["x" * MOST_LETTERS]) == {"x" * MOST_LETTERS}


def test_a_word_has_one_number_that_each_database_can_hold() -> None:
    assert word_key("orders") == word_key("orders") != word_key("order")
    assert 0 <= word_key("库存") < 2**63


def test_grams_are_triples_and_beginnings_of_parts() -> None:
    assert grams_of("a_bc") == {"a_b", "_bc", " a", " a_", " _", " _b", " b", " bc"}
    assert grams_of("x") == {" x"}


@given(word=st.text(LETTERS, min_size=3, max_size=12), data=st.data())
def test_a_part_of_three_letters_or_more_has_only_grams_of_its_word(word: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(word) - 3))
    end = data.draw(st.integers(begin + 3, len(word)))

    assert grams_of_part(word[begin:end]) <= grams_of(word)


@pytest.mark.parametrize(("part", "word"), [("sa", "daily_sales"), ("s", "daily-sales"), ("_", "a_b")])
def test_a_short_part_is_found_where_a_part_begins(part: str, word: str) -> None:
    assert grams_of_part(part) <= grams_of(word)
    assert not grams_of_part("al") <= grams_of(word)


def test_two_chinese_letters_are_found_anywhere() -> None:
    assert grams_of_part("库存") <= grams_of("每日库存更新")
    assert grams_of_part("新") <= grams_of("每日库存更新")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("forcast", "forecast"), ("custmer", "customer"), ("profyle", "profile"), ("invoces", "invoices")],
)
def test_what_is_misspelt_shares_a_piece_with_what_is_meant(typed: str, meant: str) -> None:
    assert grams_of_likeness(typed) & grams_of(meant)
    assert within(typed, [meant, "warehouse"], most_errors(typed)) == [True, False]


@given(letters=st.text("abc_/", min_size=LONGEST, max_size=1000), data=st.data())
def test_each_part_of_a_very_long_word_is_a_part_of_what_is_kept(letters: str, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(letters) - LONGEST))
    sought = letters[begin : begin + data.draw(st.integers(1, LONGEST))]

    kept = words_of([letters])

    assert any(sought in word for word in kept)
    assert all(word in letters and len(word) <= MOST_LETTERS for word in kept)
