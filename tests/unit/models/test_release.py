from __future__ import annotations

import pytest

from airflow_release_plugin.models.release import ids_numbered, release_id_of, release_number


@pytest.mark.parametrize("text", [release_number(12), "r-12", "12", "000000000012"])
def test_people_write_a_number_or_an_id(text: str) -> None:
    assert release_id_of(text) == 12


@pytest.mark.parametrize("text", ["", "R-", "R12", "-12", "twelve", "1234567890", "12 13"])
def test_anything_else_is_no_release(text: str) -> None:
    assert release_id_of(text) is None


@pytest.mark.parametrize(
    ("text", "found", "not_found"),
    [
        ("12", [12], [1, 11, 13, 120_000]),
        ("R-12", [12, 120_000, 129_999, 1_200_000], [1, 13, 130_000]),
        ("r-000012", [12], [11, 13, 120_000]),
        ("R-0000", [0, 1, 99], [100, 1_000_000]),
        ("0012", [12, 1200, 1299], [13, 1300, 120_000]),
        ("R-", [1, 999_999_999], []),
        ("R-1234567", [1_234_567], [123_456, 1_234_568]),
        ("orders", [], [1]),
        ("", [], [1]),
        ("12x", [], [12]),
    ],
)
def test_a_text_means_releases_by_number_or_its_beginning(
    text: str, found: list[int], not_found: list[int]
) -> None:
    ranges = ids_numbered(text)

    assert all(any(each in row for row in ranges) for each in found)
    assert not any(each in row for row in ranges for each in not_found)
