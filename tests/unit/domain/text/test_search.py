from __future__ import annotations

import time

import pytest

from airflow_release_plugin.domain.text.search import MOST_WORDS, closest, search, sought_words

NAMES = ("etl_orders", "daily_sales_load", "orders", "reports/monthly-orders.py", "customer_profile")


def found(text: str, *names: str) -> list[str]:
    hits = search(text, names or NAMES, lambda name: [name])
    return [name for _, name in sorted(hits)]


@pytest.mark.req("R3")
def test_the_best_match_comes_first() -> None:
    assert found("orders") == ["orders", "etl_orders", "reports/monthly-orders.py"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SALES", "daily_sales_load"),
        ("dsl", "daily_sales_load"),
        ("dasalo", "daily_sales_load"),
        ("load daily", "daily_sales_load"),
        ("custmer", "customer_profile"),
        ("cusotmer", "customer_profile"),
        ("montly", "reports/monthly-orders.py"),
        ("profyle", "customer_profile"),
    ],
)
def test_a_name_is_found_by_parts_initials_and_with_typing_errors(text: str, name: str) -> None:
    assert found(text) == [name]


@pytest.mark.parametrize("text", ["xyz", "sld", "orders sales", "qwertyuiop"])
def test_what_is_not_there_is_not_found(text: str) -> None:
    assert found(text) == []


def test_a_short_word_is_not_bent() -> None:
    assert found("elt", "etl") == []


def test_typing_errors_are_forgiven_only_where_nothing_else_matches() -> None:
    assert found("order", "border_check", "older_rows") == ["border_check"]


def test_what_is_closest_needs_every_word_and_forgives_nothing() -> None:
    def names(text: str) -> list[str]:
        return closest(text, NAMES, lambda name: [name])

    assert names("orders") == ["orders", "etl_orders", "reports/monthly-orders.py"]
    assert names("orders etl") == ["etl_orders"]
    assert names("dsl") == ["daily_sales_load"]
    assert names("ordes") == []
    assert names("") == list(NAMES)


def test_an_item_is_as_good_as_its_best_name() -> None:
    assert search("etl", ["x"], lambda _: ["some/etl.py", "etl"]) == [(0, "x")]


def test_words_that_an_index_is_asked_for_are_few_and_each_once() -> None:
    assert sought_words("B a  b " * 3000) == ["b", "a"]
    assert len(sought_words(" ".join(f"word{i:03}" for i in range(100)))) == MOST_WORDS


def test_thousands_of_names_and_a_hostile_text_take_little_time() -> None:
    names = [f"team_{i % 40}/daily_{i}_load_of_orders.py" for i in range(10_000)]
    started = time.process_time()

    assert search("a" * 5_000 + " " + "orderwloads", names, lambda name: [name]) == []
    assert time.process_time() - started < 5
