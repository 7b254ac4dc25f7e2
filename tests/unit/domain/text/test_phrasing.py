from __future__ import annotations

import pytest

from airflow_release_plugin.domain.text.phrasing import first_few


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
