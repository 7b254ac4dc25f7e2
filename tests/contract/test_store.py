"""One contract for every release store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError, StoreConflictError
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.base import (
    CommitMessage,
    environment_ref,
    submission_ref,
    tag_ref,
)
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.memory import memory_store
from airflow_release_plugin.store.release_store import ReleaseStore

pytestmark = pytest.mark.contract
BACKENDS = ("sqlite", "postgresql")

NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)
PLAIN = CommitMessage("A release")
MISSING = "f" * 40
PROD = environment_ref("prod")


@pytest.fixture(params=["sqlite", "postgresql", "git", "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    """What keeps the objects."""
    return str(request.param)


@pytest.fixture
def db_backend(kind: str) -> str:
    """The database of a store that is in one."""
    return kind if kind in BACKENDS else "sqlite"


@pytest.fixture
def store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> ReleaseStore:
    if kind == "memory":
        return memory_store()
    if kind == "git":
        return create_repository(tmp_path / "store.git")
    return database_store(request.getfixturevalue("session"))


def commit(
    store: ReleaseStore,
    files: Mapping[str, bytes | None],
    *,
    parent: str | None = None,
    mode: int = REGULAR,
    message: CommitMessage = PLAIN,
    author: str = "ada",
) -> str:
    written = store.write_files({path: (mode, data) for path, data in files.items() if data is not None})
    changes = [TreeChange(entry.path, entry) for entry in written]
    changes += [TreeChange(path, None) for path, data in files.items() if data is None]
    return store.commit(parent=parent, changes=changes, message=message, author=author, time=NOON)


def content(store: ReleaseStore, commit_id: str) -> dict[str, bytes]:
    return {path: store.read(entry.blob) for path, entry in store.files(commit_id).items()}


class TestWriteFiles:
    @pytest.mark.parametrize(
        "data",
        [b"", b"a\r\nb\r\n", b"\xff\xfe\x00", b"$Id$\n", b"x" * 3_000_000],
        ids=["empty", "crlf", "binary", "ident keyword", "large"],
    )
    def test_reads_back_byte_for_byte(self, store: ReleaseStore, data: bytes) -> None:
        (entry,) = store.write_files({"f": (REGULAR, data)})
        assert store.read(entry.blob) == data

    def test_entries_come_sorted_with_mode_id_and_size(self, store: ReleaseStore) -> None:
        entries = store.write_files({"b.sh": (EXECUTABLE, b"run"), "a.py": (REGULAR, b"")})
        assert entries == (
            FileEntry("a.py", REGULAR, blob_id(b""), 0),
            FileEntry("b.sh", EXECUTABLE, blob_id(b"run"), 3),
        )

    def test_writing_twice_gives_the_same_entries(self, store: ReleaseStore) -> None:
        files = {"a": (REGULAR, b"1"), "b": (REGULAR, b"1")}
        assert store.write_files(files) == store.write_files(files)

    def test_many_files_are_all_there(self, store: ReleaseStore) -> None:
        files = {f"d{number % 7}/f{number}": (REGULAR, b"%d" % number) for number in range(300)}
        entries = store.write_files(files)
        assert dict(store.read_all(entry.blob for entry in entries)) == {
            entry.blob: files[entry.path][1] for entry in entries
        }

    def test_nothing_to_write_is_no_error(self, store: ReleaseStore) -> None:
        assert store.write_files({}) == ()

    @pytest.mark.parametrize("mode", [0o120000, 0o160000, 0o100600, 0o40000, 0])
    def test_other_modes_are_refused(self, store: ReleaseStore, mode: int) -> None:
        with pytest.raises(InvalidRequestError, match="mode"):
            store.write_files({"a": (mode, b"")})


BAD_PATHS = [
    "", "/a", "a/", "a//b", ".", "..", "./a", "a/../b", "a/..", ".git", ".git/config", "sub/.git/hooks/x",
    ".GIT/config", ".Git", "a\\b", "a\x00b", "git~1/config", ".git./x", ".git /x", ".g\u200cit/x",
    ".git::$INDEX_ALLOCATION/x", "\udcff.py", "a/\ud800", ".release-manifest",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS, ids=ascii)
class TestBadPaths:
    def test_cannot_be_written(self, store: ReleaseStore, path: str) -> None:
        with pytest.raises(InvalidRequestError, match="cannot be stored"):
            store.write_files({path: (REGULAR, b"")})

    def test_cannot_be_committed(self, store: ReleaseStore, path: str) -> None:
        (entry,) = store.write_files({"a": (REGULAR, b"")})
        with pytest.raises(InvalidRequestError, match="cannot be stored"):
            store.commit(
                parent=None,
                changes=[TreeChange(path, entry)],
                message=CommitMessage("t"),
                author="ada",
                time=NOON,
            )

    def test_cannot_be_looked_up(self, store: ReleaseStore, path: str) -> None:
        with pytest.raises(InvalidRequestError, match="cannot be stored"):
            store.entries(None, [path])


@pytest.mark.parametrize(
    "path", ["a b.py", ".gitignore", ".gitattributes", "中文/数据.sql", "a.git/x", "...", "-x", "é"]
)
def test_unusual_paths_are_kept(store: ReleaseStore, path: str) -> None:
    assert content(store, commit(store, {path: b"x"})) == {path: b"x"}


class TestCommit:
    def test_same_arguments_give_the_same_id(self, store: ReleaseStore) -> None:
        assert commit(store, {"a": b"1"}) == commit(store, {"a": b"1"})

    def test_stores_agree_on_ids(self, store: ReleaseStore) -> None:
        files = {"a/x": b"1", "a.b": b"2", "a0": b"3", "z": b"4", "中/é": b"5", "a/b/c": b"6"}
        message = CommitMessage("Release 7", "Why\n\nBecause", (("Release", "7"), ("Approved-by", "grace")))
        assert commit(store, files, message=message) == "f503265cc6dfea3b449ab93e7c0278eb55c6a533"

    def test_keeps_what_no_change_names(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1", "d/b": b"2", "d/e/c": b"3"})
        second = commit(store, {"d/b": b"changed"}, parent=first)
        assert content(store, second) == {"a": b"1", "d/b": b"changed", "d/e/c": b"3"}

    def test_parent_stays_as_it_was(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        commit(store, {"a": b"2"}, parent=first)
        assert content(store, first) == {"a": b"1"}

    def test_deleting_the_last_file_of_a_folder_removes_it(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1", "d/e/c": b"3"})
        second = commit(store, {"d/e/c": None}, parent=first)
        assert store.commit_facts(second).tree == store.commit_facts(commit(store, {"a": b"1"})).tree

    def test_everything_can_be_deleted(self, store: ReleaseStore) -> None:
        second = commit(store, {"d/a": None}, parent=commit(store, {"d/a": b"1"}))
        assert store.files(second) == {}

    @pytest.mark.parametrize("path", ["b", "a/b", "d", "d/e/f"])
    def test_deleting_what_is_not_there_changes_nothing(self, store: ReleaseStore, path: str) -> None:
        first = commit(store, {"a": b"1", "d/e/c": b"2"})
        second = commit(store, {path: None}, parent=first)
        assert store.files(second) == store.files(first)

    def test_file_becomes_folder(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        assert content(store, commit(store, {"a": None, "a/b": b"2"}, parent=first)) == {"a/b": b"2"}

    def test_folder_becomes_file(self, store: ReleaseStore) -> None:
        first = commit(store, {"a/b": b"1", "a/c/d": b"2"})
        second = commit(store, {"a": b"3", "a/b": None, "a/c/d": None}, parent=first)
        assert content(store, second) == {"a": b"3"}

    @pytest.mark.parametrize(
        ("before", "change"),
        [
            ({"a": b"1"}, {"a/b": b"2"}),
            ({"a/b": b"1"}, {"a": b"2"}),
            ({"a/b": b"1", "a/c": b"1"}, {"a": b"2", "a/b": None}),
            ({}, {"a": b"1", "a/b": b"2"}),
        ],
        ids=["file in the way", "folder in the way", "folder not empty", "both at once"],
    )
    def test_nothing_goes_away_unnamed(
        self, store: ReleaseStore, before: dict[str, bytes], change: dict[str, bytes | None]
    ) -> None:
        first = commit(store, before)
        with pytest.raises(InvalidRequestError, match="same name"):
            commit(store, change, parent=first)

    def test_mode_alone_is_a_change(self, store: ReleaseStore) -> None:
        first = commit(store, {"run": b"x"})
        second = commit(store, {"run": b"x"}, parent=first, mode=EXECUTABLE)
        assert [(c.path, c.entry and c.entry.mode) for c in store.changes(first, second)] == [
            ("run", EXECUTABLE)
        ]

    def test_blob_must_be_in_the_store(self, store: ReleaseStore) -> None:
        with pytest.raises(NotFoundError, match=MISSING):
            store.commit(
                parent=None,
                changes=[TreeChange("a", FileEntry("a", REGULAR, MISSING, 1))],
                message=CommitMessage("t"),
                author="ada",
                time=NOON,
            )

    def test_parent_must_be_in_the_store(self, store: ReleaseStore) -> None:
        with pytest.raises(NotFoundError, match=MISSING):
            commit(store, {"a": b""}, parent=MISSING)

    def test_one_path_twice_is_refused(self, store: ReleaseStore) -> None:
        (entry,) = store.write_files({"a": (REGULAR, b"")})
        with pytest.raises(InvalidRequestError, match="twice"):
            store.commit(
                parent=None,
                changes=[TreeChange("a", entry), TreeChange("a", None)],
                message=CommitMessage("t"),
                author="ada",
                time=NOON,
            )


class TestMessage:
    def test_facts_say_what_was_committed(self, store: ReleaseStore) -> None:
        trailers = (("Release", "7"), ("Approved-by", "grace"), ("Approved-by", "linus"))
        first = commit(store, {"a": b"1"})
        second = commit(
            store,
            {"a": b"2"},
            parent=first,
            message=CommitMessage("Title", "One\n\nTwo", trailers),
            author="Ada L",
        )
        facts = store.commit_facts(second)
        assert (facts.id, facts.parents) == (second, (first,))
        assert (facts.title, facts.body, facts.trailers) == ("Title", "One\n\nTwo", trailers)
        assert (facts.author, facts.time) == ("Ada L", NOON)

    @pytest.mark.parametrize("body", ["", "text"])
    def test_line_breaks_in_a_value_cannot_add_a_trailer(self, store: ReleaseStore, body: str) -> None:
        message = CommitMessage("t\n\nApproved-by: x", body, (("Release", "7\nApproved-by: mallory\r\x00y"),))
        facts = store.commit_facts(commit(store, {"a": b""}, message=message))
        assert facts.trailers == (("Release", "7 Approved-by: mallory y"),)
        assert facts.title == "t Approved-by: x"

    @pytest.mark.parametrize("trailers", [(), (("Release", "7"),)], ids=["alone", "before trailers"])
    def test_a_body_cannot_forge_a_trailer(
        self, store: ReleaseStore, trailers: tuple[tuple[str, str], ...]
    ) -> None:
        message = CommitMessage("t", "Why\n\nApproved-by: mallory\n---\n", trailers)
        assert store.commit_facts(commit(store, {"a": b""}, message=message)).trailers == trailers

    def test_empty_title_is_refused(self, store: ReleaseStore) -> None:
        with pytest.raises(InvalidRequestError, match="title"):
            commit(store, {"a": b""}, message=CommitMessage(" \n "))

    @pytest.mark.parametrize("key", ["", "a b", "a:b", "é", "a\nb", "-x"])
    def test_odd_trailer_names_are_refused(self, store: ReleaseStore, key: str) -> None:
        with pytest.raises(InvalidRequestError, match="trailer"):
            commit(store, {"a": b""}, message=CommitMessage("t", "", ((key, "v"),)))

    @pytest.mark.parametrize(
        ("author", "kept"),
        [
            ("a<b>\n c", "a b c"),
            ("", "unknown"),
            ("ada@example.com", "ada@example.com"),
            ("艾达", "艾达"),
            ("\ud800", "?"),
        ],
        ids=ascii,
    )
    def test_any_author_name_works(self, store: ReleaseStore, author: str, kept: str) -> None:
        assert store.commit_facts(commit(store, {"a": b""}, author=author)).author == kept

    def test_time_needs_a_zone(self, store: ReleaseStore) -> None:
        with pytest.raises(InvalidRequestError, match="time zone"):
            store.commit(
                parent=None,
                changes=[],
                message=CommitMessage("t"),
                author="ada",
                time=NOON.replace(tzinfo=None),
            )


class TestAround:
    def test_the_files_beside_a_path_and_the_folders_are_told(self, store: ReleaseStore) -> None:
        paths = ["etl.py", "a/one", "a/b/two", "a/b/three", "a/c/four", "d/five"]
        made = commit(store, dict.fromkeys(paths, b"x"))

        assert store.around(made, ["a/b/new", "a/b/deep/new"]) == {
            *("etl.py", "d/"),
            *("a/one", "a/c/"),
            *("a/b/two", "a/b/three"),
        }
        assert store.around(made, ["new"]) == {"etl.py", "a/", "d/"}
        assert store.around(made, ["none/new"]) == {"etl.py", "a/", "d/"}

    def test_there_is_nothing_around_nothing(self, store: ReleaseStore) -> None:
        assert store.around(None, ["a"]) == set()
        assert store.around(commit(store, {"a": b"x"}), []) == set()


class TestReading:
    def test_no_commit_has_no_files(self, store: ReleaseStore) -> None:
        assert store.files(None) == {}
        assert store.entries(None, ["a"]) == {}
        assert list(store.history(None)) == []

    def test_entries_are_those_of_the_paths_that_exist(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1", "d/b": b"2", "d/e/c": b"3"})
        wanted = ["a", "d/b", "d", "d/e", "x", "a/b", "x/y/z", "d/b"]
        assert store.entries(tip, wanted) == {
            "a": FileEntry("a", REGULAR, blob_id(b"1"), 1),
            "d/b": FileEntry("d/b", REGULAR, blob_id(b"2"), 1),
        }

    def test_changes_name_new_modified_and_deleted_paths_in_order(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1", "d/b": b"2", "z": b"3"})
        second = commit(store, {"a": None, "d/b": b"22", "n/new": b"4"}, parent=first)
        assert [(c.path, c.entry and c.entry.size) for c in store.changes(first, second)] == [
            ("a", None),
            ("d/b", 2),
            ("n/new", 1),
        ]

    def test_changes_see_a_file_become_a_folder(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        second = commit(store, {"a": None, "a/b": b"1"}, parent=first)
        assert [(c.path, c.is_deletion) for c in store.changes(first, second)] == [
            ("a", True),
            ("a/b", False),
        ]

    def test_everything_is_new_against_nothing(self, store: ReleaseStore) -> None:
        assert [c.path for c in store.changes(None, commit(store, {"b": b"", "a": b""}))] == ["a", "b"]

    def test_history_is_newest_first_and_limited(self, store: ReleaseStore) -> None:
        tips: list[str] = []
        for number in range(4):
            tips.append(commit(store, {"a": b"%d" % number}, parent=tips[-1] if tips else None))
        assert [facts.id for facts in store.history(tips[-1])] == tips[::-1]
        assert [facts.id for facts in store.history(tips[-1], limit=2)] == tips[:1:-1]

    @pytest.mark.parametrize("bad", ["", "HEAD", "abc", "A" * 40, "../" + "a" * 37, MISSING + "\n"])
    def test_ids_are_full_and_lower_case(self, store: ReleaseStore, bad: str) -> None:
        for read in (store.read, store.files, store.commit_facts):
            with pytest.raises(InvalidRequestError, match="not an object id"):
                read(bad)

    def test_unknown_ids_are_not_found(self, store: ReleaseStore) -> None:
        for read in (store.read, store.files, store.commit_facts):
            with pytest.raises(NotFoundError, match=MISSING):
                read(MISSING)

    def test_a_blob_is_no_commit_and_a_commit_no_blob(self, store: ReleaseStore) -> None:
        with pytest.raises(NotFoundError):
            store.files(store.write_files({"a": (REGULAR, b"x")})[0].blob)
        with pytest.raises(NotFoundError):
            store.read(commit(store, {"a": b"x"}))


class TestRefs:
    def test_missing_ref_is_none(self, store: ReleaseStore) -> None:
        assert store.ref(PROD) is None

    def test_created_ref_points_at_its_commit(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=tip)
        assert store.ref(PROD) == tip

    def test_moves_from_the_expected_commit(self, store: ReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        second = commit(store, {"a": b"2"}, parent=first)
        store.move_ref(PROD, expected=None, new=first)
        store.move_ref(PROD, expected=first, new=second)
        assert store.ref(PROD) == second

    @pytest.mark.parametrize("expected", [None, MISSING], ids=["created meanwhile", "moved meanwhile"])
    def test_conflict_names_both_commits_and_moves_nothing(
        self, store: ReleaseStore, expected: str | None
    ) -> None:
        first = commit(store, {"a": b"1"})
        second = commit(store, {"a": b"2"}, parent=first)
        store.move_ref(PROD, expected=None, new=first)
        with pytest.raises(StoreConflictError, match=first) as caught:
            store.move_ref(PROD, expected=expected, new=second)
        assert caught.value.context == {"ref": PROD, "expected": expected, "actual": first}
        assert store.ref(PROD) == first

    def test_moving_a_ref_that_is_gone_is_a_conflict(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        with pytest.raises(StoreConflictError, match="nothing"):
            store.move_ref(PROD, expected=tip, new=tip)

    def test_target_must_be_a_commit_of_the_store(self, store: ReleaseStore) -> None:
        (entry,) = store.write_files({"a": (REGULAR, b"")})
        for target in (MISSING, entry.blob):
            with pytest.raises(NotFoundError):
                store.move_ref(PROD, expected=None, new=target)

    def test_lists_by_prefix(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        names = [PROD, tag_ref("7"), submission_ref("a.b", 1), submission_ref("a.b", 12)]
        for name in names:
            store.move_ref(name, expected=None, new=tip)
        assert store.refs("refs/submissions/a%2Eb/") == dict.fromkeys(names[2:], tip)
        assert store.refs("refs/submissions/a%2Eb/1") == dict.fromkeys(names[2:], tip)
        assert set(store.refs("refs/")) == set(names)
        assert store.refs("refs/nothing/") == {}

    def test_a_ref_cannot_be_a_folder_of_another(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=tip)
        with pytest.raises(InvalidRequestError, match="same name"):
            store.move_ref(f"{PROD}/eu", expected=None, new=tip)

    @pytest.mark.parametrize(
        "name",
        [
            "prod", "refs/heads", "refs/heads/", "refs/heads/../x", "refs/heads/a..b", "refs/heads/.a",
            "refs/heads/a.", "refs/heads/a.lock", "refs/heads/a b", "refs/heads/a~1", "refs/heads/a^",
            "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[", "refs/heads/a\\b",
            "refs/heads/a@{1}", "refs/heads//a", "/refs/heads/a", "refs/heads/a\n", "refs/heads/\x7f", "HEAD",
            "refs/heads/" + "x" * 300, "refs/heads/\udcff",
        ],
        ids=ascii,
    )  # fmt: skip
    def test_odd_names_are_refused(self, store: ReleaseStore, name: str) -> None:
        with pytest.raises(InvalidRequestError, match="not a valid ref name"):
            store.ref(name)
        with pytest.raises(InvalidRequestError, match="not a valid ref name"):
            store.move_ref(name, expected=None, new=commit(store, {"a": b""}))


NAMES = (
    "etl",
    "team.etl",
    ".",
    "..",
    ".lock",
    "a.lock",
    "dags/my dag.py",
    "每日报表",
    "x" * 250,
    "表" * 250,
    "%2E",
    "a~b^c",
    "@{",
    "+a",
    "1",
)


class TestSubmissionRefs:
    @pytest.mark.parametrize("name", NAMES)
    def test_any_name_fits(self, store: ReleaseStore, name: str) -> None:
        tip = commit(store, {"a": b"1"})
        ref = submission_ref(name, 3)
        store.move_ref(ref, expected=None, new=tip)
        assert store.refs("refs/submissions/") == {ref: tip}

    def test_each_name_has_a_ref_of_its_own(self) -> None:
        assert len({submission_ref(name, 3) for name in NAMES}) == len(NAMES)

    def test_a_name_that_begins_like_another_does_not_clash(self, store: ReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        refs = [
            submission_ref("x" * 200, 1),
            submission_ref("x" * 201, 1),
            submission_ref("x" * 200 + "1", 1),
        ]
        for ref in refs:
            store.move_ref(ref, expected=None, new=tip)
        assert set(store.refs("refs/submissions/")) == set(refs)

    @pytest.mark.parametrize(("name", "version"), [("", 1), ("a", 0), ("a", -1)])
    def test_needs_a_name_and_a_version(self, name: str, version: int) -> None:
        with pytest.raises(InvalidRequestError):
            submission_ref(name, version)
