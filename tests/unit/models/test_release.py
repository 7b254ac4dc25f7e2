from __future__ import annotations

import pytest

from airflow_release_plugin.models.release import release_id_of, release_number


@pytest.mark.parametrize("text", [release_number(12), "r-12", "12", "000000000012"])
def test_people_write_a_number_or_an_id(text: str) -> None:
    assert release_id_of(text) == 12


@pytest.mark.parametrize("text", ["", "R-", "R12", "-12", "twelve", "1234567890", "12 13"])
def test_anything_else_is_no_release(text: str) -> None:
    assert release_id_of(text) is None
