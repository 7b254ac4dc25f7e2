from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.digest import change_digest, files_digest
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, TreeChange, blob_id

PROMOTION = ReleaseKind.PROMOTION
entries = st.builds(
    FileEntry,
    path=st.text(min_size=1, max_size=12),
    mode=st.sampled_from([REGULAR, EXECUTABLE]),
    blob=st.text("0123456789abcdef", min_size=40, max_size=40),
    size=st.integers(0, 10**9),
)
changes = st.builds(
    lambda entry, gone: TreeChange(entry.path, None if gone else entry), entries, st.booleans()
)
change_lists = st.lists(changes, min_size=1, max_size=6, unique_by=lambda change: change.path)


@given(change_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_changes_does_not_matter(listed: list[TreeChange], chance: random.Random) -> None:
    shuffled = list(listed)
    chance.shuffle(shuffled)

    assert change_digest(shuffled, target="prod", kind=PROMOTION) == change_digest(
        listed, target="prod", kind=PROMOTION
    )


@given(change_lists, change_lists)
def test_different_changes_have_different_digests(a: list[TreeChange], b: list[TreeChange]) -> None:
    def facts(listed: list[TreeChange]) -> set[tuple[object, ...]]:
        return {(c.path, c.entry and (c.entry.mode, c.entry.blob)) for c in listed}

    same = change_digest(a, target="prod", kind=PROMOTION) == change_digest(b, target="prod", kind=PROMOTION)

    assert same == (facts(a) == facts(b))


@given(entries)
def test_every_field_of_a_change_counts(entry: FileEntry) -> None:
    def digest(changed: TreeChange, target: str = "prod", kind: ReleaseKind = PROMOTION) -> str:
        return change_digest([changed], target=target, kind=kind)

    change = TreeChange(entry.path, entry)
    other_mode = EXECUTABLE if entry.mode == REGULAR else REGULAR
    variants = [
        digest(change),
        digest(TreeChange(entry.path + "x", entry)),
        digest(TreeChange(entry.path, replace(entry, mode=other_mode))),
        digest(TreeChange(entry.path, replace(entry, blob=blob_id(entry.blob.encode())))),
        digest(TreeChange(entry.path, None)),
        digest(change, target="test"),
        digest(change, kind=ReleaseKind.ROLLBACK),
    ]

    assert len(set(variants)) == len(variants)


@given(st.lists(entries, max_size=5, unique_by=lambda entry: entry.path), st.randoms(use_true_random=False))
def test_a_unit_has_one_digest_whatever_the_order(listed: list[FileEntry], chance: random.Random) -> None:
    shuffled = list(listed)
    chance.shuffle(shuffled)

    assert files_digest(shuffled) == files_digest(listed)


def test_the_blob_id_is_the_one_of_git() -> None:
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


@given(change_lists, st.sets(st.text(max_size=5), max_size=3), st.sets(st.text(max_size=5), max_size=3))
def test_what_it_also_changes_counts_in_any_order(
    listed: list[TreeChange], some: set[str], others: set[str]
) -> None:
    def digest(also: list[str]) -> str:
        return change_digest(listed, target="prod", kind=PROMOTION, also_changes=also)

    assert digest(sorted(some)) == digest(sorted(some, reverse=True))
    assert (digest(list(some)) == digest(list(others))) == (some == others)
