from __future__ import annotations

import pytest

from airflow_release_plugin.repositories.pages import like


@pytest.mark.parametrize(
    ("text", "pattern"), [("etl", "%etl%"), ("100%", r"%100\%%"), ("a_b", r"%a\_b%"), ("c\\d", r"%c\\d%")]
)
def test_what_people_search_for_is_taken_literally(text: str, pattern: str) -> None:
    assert like(text) == pattern
