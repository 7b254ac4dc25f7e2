"""What only the git store promises: git itself agrees, nothing is lost, and trouble gets a clear error."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_release_plugin import durable
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, TreeChange
from airflow_release_plugin.exceptions import (
    InvalidRequestError,
    StoreConflictError,
    StoreUnavailableError,
)
from airflow_release_plugin.store.base import CommitMessage, environment_ref
from airflow_release_plugin.store.git import LOOSE_LIMIT, GitReleaseStore

NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)
PROD = environment_ref("prod")
FORK = multiprocessing.get_context("fork")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="compares with the real git")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


@pytest.fixture
def store(tmp_path: Path) -> GitReleaseStore:
    made = GitReleaseStore(tmp_path / "store.git")
    made.ensure()
    return made


def commit(
    store: GitReleaseStore,
    files: dict[str, bytes | None],
    parent: str | None = None,
    message: CommitMessage | None = None,
) -> str:
    data = {
        path: (EXECUTABLE if path.endswith(".sh") else REGULAR, raw)
        for path, raw in files.items()
        if raw is not None
    }
    changes = [TreeChange(entry.path, entry) for entry in store.write_files(data)]
    changes += [TreeChange(path, None) for path, raw in files.items() if raw is None]
    return store.commit(
        parent=parent, changes=changes, message=message or CommitMessage("t"), author="Ada L", time=NOON
    )


def git(store: GitReleaseStore, *arguments: str, stdin: bytes | None = None) -> str:
    # GIT_CONFIG_*: what the machine has configured is no part of the test
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["git", "-C", str(store.path), *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env=environment,
    )
    return (done.stdout + done.stderr).decode()


def by_hand(store: GitReleaseStore, tree: str) -> str:
    return git(store, "-c", "user.name=x", "-c", "user.email=x", "commit-tree", "-m", "t", tree).strip()


def objects_on_disk(store: GitReleaseStore) -> dict[str, int]:
    found = {"loose": 0, "pack": 0, "tmp": 0}
    for path in (store.path / "objects").rglob("*"):
        if path.is_file():
            kind = "tmp" if path.name.startswith("tmp") else "pack" if path.suffix == ".pack" else "loose"
            found[kind] += path.suffix != ".idx"
    return found


@needs_git
class TestRealGitAgrees:
    def test_fsck_finds_nothing(self, store: GitReleaseStore) -> None:
        tip = commit(store, {f"d{n % 9}/e/f{n}": b"%d" % n for n in range(2 * LOOSE_LIMIT)})
        tip = commit(store, {"run.sh": b"x", "中文/é": b"\r\n", "a.b": b"", "a/b": b"", "a0": b""}, tip)
        tip = commit(store, dict.fromkeys(store.files(tip)), tip)
        store.move_ref(PROD, expected=None, new=tip)
        assert git(store, "fsck", "--strict", "--full").splitlines() == [
            "notice: HEAD points to an unborn branch (main)"
        ]

    def test_log_shows_author_title_and_time(self, store: GitReleaseStore) -> None:
        store.move_ref(PROD, expected=None, new=commit(store, {"a": b""}, message=CommitMessage("Release 7")))
        assert git(store, "log", "--format=%an|%ae|%s|%at", "prod") == (
            f"Ada L|Ada-L@airflow-release|Release 7|{int(NOON.timestamp())}\n"
        )

    def test_trailers_are_trailers(self, store: GitReleaseStore) -> None:
        trailers = (
            ("Release", "7"),
            ("Approved-by", "grace\nForged: x"),
            ("Approved-by", "艾达"),
            ("Empty", ""),
        )
        message = CommitMessage("T", "Why\n\nApproved-by: mallory\n---\nApproved-by: mallory", trailers)
        tip = commit(store, {"a": b""}, message=message)
        raw = git(store, "log", "-1", "--format=%B", tip).encode()
        assert git(store, "interpret-trailers", "--parse", stdin=raw).splitlines() == [
            "Release: 7",
            "Approved-by: grace Forged: x",
            "Approved-by: 艾达",
            "Empty: ",
        ]

    def test_a_body_alone_gives_git_no_trailers(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b""}, message=CommitMessage("T", "Approved-by: mallory\nRelease: 1"))
        assert git(store, "log", "-1", "--format=%(trailers)", tip).strip() == ""

    def test_clone_has_the_files_and_modes(self, store: GitReleaseStore, tmp_path: Path) -> None:
        tip = commit(store, {"d/a.py": b"1\r\n", "run.sh": b"#!/bin/sh\n"})
        store.move_ref(PROD, expected=None, new=tip)
        git(store, "clone", "-q", "--branch", "prod", ".", str(tmp_path / "clone"))
        assert (tmp_path / "clone/d/a.py").read_bytes() == b"1\r\n"
        assert os.access(tmp_path / "clone/run.sh", os.X_OK)
        assert not os.access(tmp_path / "clone/d/a.py", os.X_OK)

    def test_attributes_of_the_repository_change_no_byte(self, store: GitReleaseStore) -> None:
        files = {
            ".gitattributes": b"* text eol=crlf ident export-ignore filter=lfs\n",
            "a.py": b"$Id$\nx\r\ny\n",
        }
        tip = commit(store, dict(files))
        assert {path: store.read(entry.blob) for path, entry in store.files(tip).items()} == files

    def test_survives_gc_and_pack_refs(self, store: GitReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=first)
        git(store, "gc", "-q", "--prune=now")
        git(store, "pack-refs", "--all")
        assert not (store.path / PROD).exists()
        assert store.ref(PROD) == first
        assert store.refs("refs/heads/") == {PROD: first}
        second = commit(store, {"a": b"2"}, first)
        with pytest.raises(StoreConflictError):
            store.move_ref(PROD, expected=second, new=second)
        store.move_ref(PROD, expected=first, new=second)
        assert store.ref(PROD) == second

    @pytest.mark.parametrize(("mode", "kind"), [("120000", "blob"), ("160000", "commit")])
    def test_links_that_were_pushed_by_hand_are_refused(
        self, store: GitReleaseStore, mode: str, kind: str
    ) -> None:
        entry = f"{mode} {kind} {'a' * 40}\tlink\n".encode()
        tip = by_hand(store, git(store, "mktree", "--missing", stdin=entry).strip())
        with pytest.raises(InvalidRequestError, match=f"mode {mode}"):
            store.files(tip)

    def test_a_path_that_climbs_out_is_refused(self, store: GitReleaseStore) -> None:
        blob = git(store, "hash-object", "-w", "--stdin", stdin=b"x").strip()
        inner = git(store, "mktree", stdin=f"100644 blob {blob}\tx\n".encode()).strip()
        raw = b"40000 ..\x00" + bytes.fromhex(inner)
        tree = git(store, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw).strip()
        tip = by_hand(store, tree)
        with pytest.raises(InvalidRequestError, match=r"'\.\.'"):
            store.files(tip)


class TestCost:
    def test_small_writes_add_no_pack(self, store: GitReleaseStore) -> None:
        for number in range(5):
            commit(store, {"a": b"%d" % number})
        assert objects_on_disk(store)["pack"] == 0

    def test_a_large_write_is_one_pack(self, store: GitReleaseStore) -> None:
        store.write_files({f"f{n}": (REGULAR, b"%d" % n) for n in range(LOOSE_LIMIT + 1)})
        assert objects_on_disk(store) == {"loose": 0, "pack": 1, "tmp": 0}

    def test_a_commit_writes_only_what_is_on_the_way(self, store: GitReleaseStore) -> None:
        tip = commit(store, {f"d{n}/e{n}/f": b"%d" % n for n in range(10)})
        before = objects_on_disk(store)["loose"]
        commit(store, {"d3/e3/f": b"changed"}, tip)
        assert objects_on_disk(store)["loose"] - before == 5  # blob, e3, d3, root, commit

    def test_the_same_content_is_stored_once(self, store: GitReleaseStore) -> None:
        for _ in range(3):
            store.write_files({"a": (REGULAR, b"1"), "b": (REGULAR, b"1")})
        assert objects_on_disk(store)["loose"] == 1


def compete(
    store: GitReleaseStore,
    tip: str,
    ready: multiprocessing.synchronize.Barrier,
    won: multiprocessing.queues.Queue[str],
) -> None:
    ready.wait()
    try:
        store.move_ref(PROD, expected=None, new=tip)
        won.put(tip)
    except StoreConflictError:
        won.put("")


def die_at(name: str, action: Callable[[], object]) -> None:
    """Run ``action`` in a process of its own that is killed when it calls ``durable.<name>``."""

    def child() -> None:
        setattr(durable, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        action()

    process = FORK.Process(target=child)
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL


class TestManyProcesses:
    def test_exactly_one_of_two_wins_a_ref(self, store: GitReleaseStore) -> None:
        for number in range(10):
            tips = [commit(store, {"a": b"%d %d" % (number, side)}) for side in range(2)]
            ready, won = FORK.Barrier(2), FORK.Queue()
            processes = [FORK.Process(target=compete, args=(store, tip, ready, won)) for tip in tips]
            for process in processes:
                process.start()
            results = sorted(won.get(timeout=20) for _ in processes)
            for process in processes:
                process.join(20)
            assert results[0] == ""
            assert store.ref(PROD) == results[1]
            (store.path / PROD).unlink()

    def test_writing_the_same_at_once_is_no_conflict(self, store: GitReleaseStore) -> None:
        files = {f"f{n}": (REGULAR, b"%d" % n) for n in range(20)}
        processes = [FORK.Process(target=store.write_files, args=(files,)) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(20)
        assert [process.exitcode for process in processes] == [0] * 4
        assert objects_on_disk(store) == {"loose": 20, "pack": 0, "tmp": 0}

    def test_creating_it_at_once_is_no_conflict(self, tmp_path: Path) -> None:
        store = GitReleaseStore(tmp_path / "deep/er/store.git")
        processes = [FORK.Process(target=store.ensure) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(20)
        assert [process.exitcode for process in processes] == [0] * 4
        assert [path.name for path in (tmp_path / "deep/er").iterdir()] == ["store.git"]


class TestCrash:
    @pytest.mark.parametrize("count", [3, LOOSE_LIMIT + 1], ids=["loose", "pack"])
    @pytest.mark.parametrize("moment", ["sync_file", "sync_folder"])
    def test_killed_while_writing_loses_nothing(
        self, store: GitReleaseStore, moment: str, count: int
    ) -> None:
        first = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=first)
        files: dict[str, bytes | None] = {f"f{n}": b"%d" % n for n in range(count)}
        die_at(moment, lambda: commit(store, files, first))
        assert store.ref(PROD) == first
        second = commit(store, files, first)
        store.move_ref(PROD, expected=first, new=second)
        assert len(store.files(second)) == count + 1
        if shutil.which("git"):
            git(store, "fsck", "--strict", "--full")

    def test_what_was_half_written_goes_when_nobody_can_be_writing_it_any_more(
        self, store: GitReleaseStore
    ) -> None:
        die_at("sync_file", lambda: commit(store, {"a": b"1"}))
        (left,) = (store.path / "objects").glob("tmp_obj_*")

        commit(store, {"b": b"2"})
        assert left.exists()
        a_day_ago = time.time() - 24 * 60 * 60 - 1
        os.utime(left, (a_day_ago, a_day_ago))
        commit(store, {"c": b"3"})

        assert not left.exists()

    def test_killed_while_moving_a_ref_can_be_repeated_at_once(self, store: GitReleaseStore) -> None:
        first = commit(store, {"a": b"1"})
        second = commit(store, {"a": b"2"}, first)
        store.move_ref(PROD, expected=None, new=first)
        (store.path / f"{PROD}.lock").write_bytes(b"")
        (store.path / "release.lock").write_text(PROD)
        store.move_ref(PROD, expected=first, new=second)
        assert store.ref(PROD) == second

    def test_killed_after_the_ref_moved_is_seen_as_moved(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        die_at("sync_folders", lambda: store.move_ref(PROD, expected=None, new=tip))
        assert store.ref(PROD) == tip

    def test_the_lock_of_another_git_program_is_respected(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        lock = store.path / f"{PROD}.lock"
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        with pytest.raises(StoreUnavailableError, match=r"remove refs/heads/prod\.lock"):
            store.move_ref(PROD, expected=None, new=tip)
        assert lock.exists()


def nothing(path: Path) -> None:
    pass


def a_file(path: Path) -> None:
    path.write_text("x")


def a_folder_with_something_else(path: Path) -> None:
    path.mkdir()
    (path / "x").touch()


class TestUnusable:
    @pytest.mark.parametrize("make", [nothing, a_file, a_folder_with_something_else])
    def test_every_use_says_which_store_and_why(self, tmp_path: Path, make: Callable[[Path], None]) -> None:
        make(tmp_path / "store.git")
        store = GitReleaseStore(tmp_path / "store.git")
        uses: list[Callable[[], object]] = [
            lambda: store.write_files({"a": (REGULAR, b"")}),
            lambda: store.files("a" * 40),
            lambda: store.ref(PROD),
            lambda: store.refs("refs/"),
            lambda: store.move_ref(PROD, expected=None, new="a" * 40),
        ]
        for use in uses:
            with pytest.raises(
                StoreUnavailableError, match=r"store\.git.*(does not exist|is a file|not a bare)"
            ):
                use()

    @pytest.mark.parametrize("make", [a_file, a_folder_with_something_else])
    def test_ensure_takes_over_nothing_foreign(self, tmp_path: Path, make: Callable[[Path], None]) -> None:
        make(tmp_path / "store.git")
        with pytest.raises(StoreUnavailableError, match=r"(is a file|not a bare)"):
            GitReleaseStore(tmp_path / "store.git").ensure()

    def test_ensure_uses_an_empty_folder(self, tmp_path: Path) -> None:
        GitReleaseStore(tmp_path).ensure()
        assert GitReleaseStore(tmp_path).ref(PROD) is None

    def test_ensure_leaves_a_store_as_it_is(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=tip)
        store.ensure()
        assert store.ref(PROD) == tip

    @needs_git
    def test_sha256_repositories_are_refused(self, tmp_path: Path) -> None:
        subprocess.run(
            ["git", "init", "-q", "--bare", "--object-format=sha256", str(tmp_path / "s")], check=True
        )
        with pytest.raises(StoreUnavailableError, match="unsupported git format"):
            GitReleaseStore(tmp_path / "s").ensure()

    def test_a_damaged_object_is_told_apart_from_a_missing_one(self, store: GitReleaseStore) -> None:
        (entry,) = store.write_files({"a": (REGULAR, b"x" * 1000)})
        path = store.path / "objects" / entry.blob[:2] / entry.blob[2:]
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:10])
        with pytest.raises(StoreUnavailableError, match="damaged"):
            store.read(entry.blob)

    @pytest.mark.parametrize("raw", ["", "zzz", "ref: refs/heads/x\n"])
    def test_a_damaged_ref_is_told_apart_from_a_missing_one(self, store: GitReleaseStore, raw: str) -> None:
        (store.path / PROD).parent.mkdir(exist_ok=True)
        (store.path / PROD).write_text(raw)
        with pytest.raises(StoreUnavailableError, match="damaged ref"):
            store.ref(PROD)


def as_other_user(action: Callable[[], None]) -> int:
    def child() -> None:
        os.setgid(65534)
        os.setuid(65534)
        action()

    process = FORK.Process(target=child)
    process.start()
    process.join(20)
    return process.exitcode or 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
class TestOtherUsers:
    @pytest.fixture(autouse=True)
    def _reachable(self, tmp_path: Path) -> None:
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o055)

    def test_a_store_of_somebody_else_can_be_read(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})
        store.move_ref(PROD, expected=None, new=tip)

        def read() -> None:
            assert store.ref(PROD) == tip
            assert store.read(store.files(tip)["a"].blob) == b"1"

        assert as_other_user(read) == 0

    def test_a_read_only_store_says_so_on_writing(self, store: GitReleaseStore) -> None:
        tip = commit(store, {"a": b"1"})

        def write() -> None:
            with pytest.raises(StoreUnavailableError, match="Permission denied"):
                store.write_files({"b": (REGULAR, b"2")})
            with pytest.raises(StoreUnavailableError, match="Permission denied"):
                store.move_ref(PROD, expected=None, new=tip)
            with pytest.raises(StoreUnavailableError, match="Permission denied"):
                store.ensure()

        assert as_other_user(write) == 0

    def test_an_unreadable_ref_is_not_a_missing_one(self, store: GitReleaseStore) -> None:
        store.move_ref(PROD, expected=None, new=commit(store, {"a": b"1"}))
        (store.path / PROD).chmod(0o600)

        def read() -> None:
            for use in (lambda: store.ref(PROD), lambda: store.refs("refs/heads/")):
                with pytest.raises(StoreUnavailableError, match="Permission denied"):
                    use()

        assert as_other_user(read) == 0
