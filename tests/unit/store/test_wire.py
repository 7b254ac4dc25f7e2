from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.exceptions import DamagedAnswerError, InvalidRequestError
from airflow_release_plugin.store.wire import (
    END,
    blobs_in,
    distinct_blobs,
    frame,
    portions,
    ranges_of,
    unframe,
)

CONTENTS = {blob_id(data): data for data in (b"", b"print(1)\n", bytes(range(256)) * 40, b"x" * 100_000)}
SIZES = {blob: len(data) for blob, data in CONTENTS.items()}


def row(*blobs: str) -> bytes:
    return b"".join(frame(blob, zlib.compress(CONTENTS[blob])) for blob in blobs or CONTENTS) + END


def pieces(data: bytes, length: int) -> Iterator[bytes]:
    return (data[start : start + length] for start in range(0, len(data), length))


@pytest.mark.req("R86")
@pytest.mark.parametrize("length", [1, 7, 24, 1000, 10_000_000])
def test_blobs_arrive_whatever_the_pieces_are(length: int) -> None:
    assert dict(unframe(pieces(row(), length), SIZES)) == CONTENTS


@pytest.mark.parametrize("missing", [1, 24, 25, 100])
def test_a_row_that_ends_early_is_no_row(missing: int) -> None:
    with pytest.raises(DamagedAnswerError, match="ended early"):
        list(unframe([row()[:-missing]], SIZES))


def test_every_flipped_byte_is_found() -> None:
    blob = blob_id(b"print(1)\n")
    good = row(blob)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 0x41
        with pytest.raises(DamagedAnswerError):
            list(unframe([bytes(bad)], {blob: SIZES[blob]}))


def test_a_blob_that_came_twice_or_unasked_is_refused() -> None:
    blob, other = sorted(CONTENTS)[:2]

    with pytest.raises(DamagedAnswerError, match="nobody asked"):
        list(unframe([row(blob, blob)], SIZES))
    with pytest.raises(DamagedAnswerError, match="nobody asked"):
        list(unframe([row(other)], {blob: SIZES[blob]}))


def test_a_blob_that_unpacks_to_more_than_it_should_is_not_unpacked() -> None:
    blob = blob_id(b"print(1)\n")
    bomb = zlib.compress(bytes(10_000_000))[:900]

    with pytest.raises(DamagedAnswerError, match="other bytes"):
        list(unframe([frame(blob, bomb) + END], {blob: 9}))


def test_bytes_that_nothing_can_be_compressed_to_still_fit() -> None:
    data = random.Random(7).randbytes(3_000_000)
    blob = blob_id(data)

    assert list(unframe([frame(blob, zlib.compress(data, 0)) + END], {blob: len(data)})) == [(blob, data)]


@given(st.integers(1, 60), st.sets(st.integers(0, 59)))
def test_ranges_name_exactly_what_is_wanted(total: int, indexes: set[int]) -> None:
    every = distinct_blobs(blob_id(str(number).encode()) for number in range(total))
    wanted = {every[index] for index in indexes if index < total}
    text = ranges_of(every, wanted)

    assert (blobs_in(every, text) if text else []) == sorted(wanted)


@given(st.integers(1, 60), st.sets(st.integers(0, 59)), st.integers(1, 9))
def test_portions_are_all_that_is_wanted_in_few_ranges_each(total: int, indexes: set[int], most: int) -> None:
    every = distinct_blobs(blob_id(str(number).encode()) for number in range(total))
    wanted = {every[index] for index in indexes if index < total}
    found = list(portions(every, wanted, most))

    assert [blob for portion in found for blob in portion] == sorted(wanted)
    assert all(ranges_of(every, portion).count(",") < most for portion in found)
    assert all(ranges_of(every, portion).count(",") == most - 1 for portion in found[:-1])


@pytest.mark.parametrize(
    "ranges", ["x", "-", "1-", "-1", "3-1", "5", "0,0", "1,0", "0-1,1-2", "0 ", "٣", "1e1", "9" * 30, ""]
)
def test_what_is_no_range_is_refused(ranges: str) -> None:
    every = distinct_blobs(blob_id(str(number).encode()) for number in range(5))

    with pytest.raises(InvalidRequestError):
        blobs_in(every, ranges)
