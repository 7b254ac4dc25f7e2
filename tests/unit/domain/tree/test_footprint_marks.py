"""Whoever a change may meet is found by the marks that it is filed under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.domain.tree.footprint import Footprint, marks_of, users_marks

pytestmark = pytest.mark.req("R82", "R93")

_NAMES = st.sampled_from(["a", "a.py", "b", "b.yaml", "__init__.py", "c.so"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_SETS = st.frozensets(st.one_of(_PATHS, st.just(".")), max_size=6)
_FOOTPRINTS = st.builds(
    Footprint,
    used=_SETS,
    missing=_SETS,
    listed=_SETS,
    modules=_SETS,
    is_whole=st.sampled_from([True] * 9 + [False]),
)


@st.composite
def _deltas(draw: st.DrawFn) -> TreeDelta:
    before = draw(st.frozensets(_PATHS, max_size=6))
    written = draw(st.frozensets(_PATHS, max_size=4))
    deleted = draw(st.frozensets(_PATHS, max_size=4)) - written
    entries = [TreeChange(path, FileEntry(path, REGULAR, blob_id(b"new"), 3)) for path in written]
    return TreeDelta.of(before, [*entries, *(TreeChange(path, None) for path in deleted)])


@given(_FOOTPRINTS, _deltas())
def test_a_footprint_that_a_change_meets_shares_a_mark_with_it(
    footprint: Footprint, delta: TreeDelta
) -> None:
    if footprint.met_by(delta):
        assert footprint.marks() & marks_of(delta)


@given(_FOOTPRINTS, st.frozensets(_PATHS, max_size=4))
def test_who_uses_a_file_is_filed_under_it(footprint: Footprint, paths: frozenset[str]) -> None:
    assert bool(footprint.used & paths) is bool(footprint.marks() & users_marks(paths))


def test_marks_of_one_kind_are_none_of_another() -> None:
    kinds = [Footprint(**{kind: frozenset({"lib"})}) for kind in ("used", "missing", "listed", "modules")]

    assert len(frozenset().union(*(footprint.marks() for footprint in kinds))) == 4
