"""Whatever becomes of a bundle on its way: an error of the family, soon, in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_release_plugin.exceptions import BundleError
from airflow_release_plugin.transfer.layout import ATTESTATION, MANIFEST
from airflow_release_plugin.transfer.reader import open_bundle
from tests.harness.bundles import (
    CONTENT,
    KEY,
    NOON,
    OTHER_KEY,
    TRUSTED,
    Raw,
    archive,
    bundle_files,
    manifest_of,
    raws,
)

pytestmark = pytest.mark.req("R53")
SOUND = manifest_of(bundle_files(CONTENT))
WHOLE = archive(raws(CONTENT, SOUND))
SLOWEST = 5.0
MOST_MEMORY = 8 * 1024 * 1024

Mutation = Callable[[bytes], bytes]
positions = st.integers(0, len(WHOLE) - 1)
bits = st.builds(
    lambda at, mask: lambda data: data[:at] + bytes(b ^ mask for b in data[at : at + 1]) + data[at + 1 :],
    positions,
    st.integers(1, 255),
)
numbers = st.builds(
    lambda at, value: lambda data: data[:at] + value + data[at + len(value) :],
    positions,
    st.sampled_from([2, 4]).flatmap(
        lambda size: st.sampled_from([0, 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1]).map(
            lambda value: value.to_bytes(size, "little")
        )
    ),
)
cuts = st.builds(
    lambda start, stop: lambda data: data[: min(start, stop)] + data[max(start, stop) :], positions, positions
)
copies = st.builds(
    lambda at, start, stop: lambda data: data[:at] + data[min(start, stop) : max(start, stop)] + data[at:],
    positions,
    positions,
    positions,
)
noise = st.builds(
    lambda at, what: lambda data: data[:at] + what + data[at:], positions, st.binary(max_size=64)
)
mutations = st.lists(st.one_of(bits, numbers, cuts, copies, noise), min_size=1, max_size=4)

names = st.one_of(
    st.sampled_from(
        [*(f"dags/{path}" for path in CONTENT), MANIFEST, ATTESTATION, "dags/../x", "/x", "dags/C:x"]
    ),
    st.text(max_size=20),
)
members = st.builds(
    Raw,
    names.map(lambda name: name.encode(errors="surrogatepass")),
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([raw.data for key in (KEY, OTHER_KEY) for raw in raws(CONTENT, SOUND, key)]),
    ),
    st.one_of(st.sampled_from([0o100644, 0o100755, 0o120777, 0o040755]), st.integers(0, 0xFFFF)),
    st.none() | st.integers(0, 0xFFFFFFFF),
)


def outcome(data: bytes, folder: Path) -> dict[str, bytes] | BundleError:
    """What a reader gets to see; raises what it should not."""
    path = folder / "b.dagbundle"
    path.write_bytes(data)
    tracemalloc.start()
    started = process_time()
    try:
        with open_bundle(path, trusted=[TRUSTED], now=NOON) as bundle:
            return {file.path: b"".join(chunks) for file, chunks in bundle.files()}
    except BundleError as error:
        return error
    finally:
        assert process_time() - started < SLOWEST
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
        tracemalloc.stop()
        assert list(folder.iterdir()) == [path]


@given(mutations=mutations)
@settings(max_examples=600)
def test_a_damaged_bundle_is_refused_or_yields_what_was_signed(
    mutations: list[Mutation], tmp_path: Path
) -> None:
    data = WHOLE
    for mutate in mutations:
        data = mutate(data)

    found = outcome(data, tmp_path)

    assert isinstance(found, BundleError) or found == CONTENT


@given(members=st.lists(members, max_size=6))
@settings(max_examples=400)
def test_an_archive_of_anything_is_refused_or_yields_what_was_signed(
    members: list[Raw], tmp_path: Path
) -> None:
    found = outcome(archive(members), tmp_path)

    assert isinstance(found, BundleError) or found == CONTENT


@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", b"PK\x03\x04"]),
    tail=st.sampled_from([0, 22, 120]),
)
@settings(max_examples=200)
def test_bytes_of_any_kind_are_refused(data: bytes, head: bytes, tail: int, tmp_path: Path) -> None:
    assert isinstance(outcome(head + data + WHOLE[len(WHOLE) - tail :], tmp_path), BundleError)
