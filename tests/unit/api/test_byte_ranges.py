from __future__ import annotations

import pytest

from airflow_release_plugin.api.byte_ranges import wanted_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", (0, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=0-3", (0, 4)),
        ("bytes=4-", (4, 10)),
        ("bytes = 4 - 99", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=9-9", (9, 10)),
        ("bytes=10-", None),
        ("bytes=-0", None),
        ("bytes=3-2", (0, 10)),
        ("bytes=-", (0, 10)),
        ("bytes=0-1,4-5", (0, 10)),
        ("lines=0-1", (0, 10)),
        ("bytes=\u0661-", (0, 10)),
        ("bytes=99999999999999999999-", (0, 10)),
    ],
)
def test_a_range_is_a_part_the_whole_or_nothing(header: str, part: tuple[int, int] | None) -> None:
    found = wanted_range(header, 10)

    assert (found and (found.start, found.end)) == part


def test_a_part_says_where_it_lies() -> None:
    found = wanted_range("bytes=2-4", 10)

    assert found is not None
    assert (found.header, found.is_whole) == ("bytes 2-4/10", False)
