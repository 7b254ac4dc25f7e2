"""The whole source is kept as it was when something of it was submitted; the folder is not read again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Snapshot, StoredObject, Submission
from airflow_release_plugin.repositories import objects as object_queries
from airflow_release_plugin.services.submissions import snapshots, submissions
from airflow_release_plugin.services.versions.snapshot_commit import snapshot_commit
from airflow_release_plugin.store.base import snapshot_ref
from tests.harness.context import DEV, VIEWER, World, dag_text, with_settings

pytestmark = pytest.mark.req("R80")


def texts(world: World, submission: Submission) -> dict[str, str]:
    """What the snapshot of a version holds."""
    assert submission.snapshot
    files = world.store.files(snapshot_commit(world.ctx, submission.snapshot.tree_id))
    return {path: world.store.read(entry.blob).decode() for path, entry in files.items()}


def left_out(submission: Submission) -> dict[str, str]:
    assert submission.snapshot
    return {each["path"]: each["reason"] for each in submission.snapshot.left_out}


def all_snapshots(world: World) -> list[Snapshot]:
    return list(world.ctx.session.scalars(select(Snapshot)))


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_version_names_a_snapshot_of_all_files(world: World) -> None:
    world.write("include/rates.csv", "1\n")
    world.write("plugins/x/y.py", "y = 1\n")

    submission = world.submit(world.dag("etl"))

    assert texts(world, submission) == {
        "etl.py": dag_text("etl"),
        "include/rates.csv": "1\n",
        "plugins/x/y.py": "y = 1\n",
    }
    snapshot = submission.snapshot
    assert snapshot is not None
    assert (snapshot.source, snapshot.file_count, snapshot.left_out) == ("dev", 3, [])
    assert snapshot.size == sum(len(text) for text in texts(world, submission).values())
    commit = world.store.ref(snapshot_ref(snapshot.tree_id))
    assert commit is not None
    assert world.store.commit_facts(commit).tree == snapshot.tree_id


def test_the_folder_may_go_after_that(world: World) -> None:
    world.write("data.csv", "1\n")
    submission = world.submit(world.dag("etl"))
    world.ctx.session.commit()
    world.write("data.csv", "2\n")
    shutil.rmtree(world.twin.root)

    assert texts(world, submission)["data.csv"] == "1\n"


def test_a_request_takes_one_however_many_files_it_submits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    take = snapshots.take
    monkeypatch.setattr(snapshots, "take", lambda *args: taken.append(1) or take(*args))
    paths = [world.dag(name) for name in ("a", "b", "c")]

    handled = submissions.submit_many(world.ctx, actor=DEV, paths=[*paths, "nothing.py"])

    made = [each.submission for each in handled if each.submission]
    assert (len(made), len(taken)) == (3, 1)
    assert {row.snapshot_id for row in made} == {each.id for each in all_snapshots(world)}
    assert texts(world, made[0]).keys() == {"a.py", "b.py", "c.py"}


def test_the_same_source_is_the_same_snapshot(world: World) -> None:
    world.dag("b")
    first = world.submit(world.dag("a"))
    second = world.submit("b.py")
    world.write("more.sql", "select 1")
    world.dag("b", lines="x = 1")
    third = world.submit("b.py")

    assert first.snapshot_id == second.snapshot_id != third.snapshot_id
    assert len(all_snapshots(world)) == 2
    assert "more.sql" not in texts(world, first)


def test_only_what_the_store_lacks_is_written_in_one_statement(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        world.write(f"team{number % 5}/{number}.sql", f"select {number}")
    world.submit(world.dag("etl"))
    world.ctx.session.commit()
    written: list[list[str]] = []
    add = object_queries.add

    def count(session, rows, now):  # type: ignore[no-untyped-def]
        rows = list(rows)
        written.append(sorted(row.kind for row in rows))
        add(session, rows, now)

    monkeypatch.setattr(object_queries, "add", count)
    world.write("team3/3.sql", "select 99")
    world.dag("etl", lines="x = 1")
    world.submit("etl.py")
    world.ctx.session.commit()

    # Of the unit: blob, tree, commit. Of the snapshot: one more blob, the folder, the root, a commit.
    assert written == [["blob", "blob", "commit", "commit", "tree", "tree", "tree"]]


def test_another_process_asks_the_store_what_it_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("big.csv", "1\n" * 100)
    first = world.submit(world.dag("etl"))
    world.ctx.session.commit()
    monkeypatch.setattr(snapshots, "_LAST", {})
    before = set(world.ctx.session.scalars(select(StoredObject.id)))

    world.dag("etl", lines="x = 1")
    second = world.submit("etl.py")
    world.ctx.session.commit()

    new = set(world.ctx.session.scalars(select(StoredObject.id))) - before
    assert len(new) == 5, "blob, tree and commit of the version, tree and commit of the snapshot"
    assert texts(world, second)["big.csv"] == texts(world, first)["big.csv"]


def test_what_was_rolled_back_is_not_counted_on(world: World) -> None:
    world.write("lib/a.sql", "select 1")
    world.submit(world.dag("etl"))
    world.ctx.session.rollback()

    again = world.submit("etl.py")
    world.ctx.session.commit()

    assert texts(world, again)["lib/a.sql"] == "select 1"


def test_what_is_left_out_is_listed_with_the_reason(world: World) -> None:
    world.write("etl.py~", "old")
    world.write(".git/HEAD", "ref")
    world.write("web/node_modules/a.js", "1")
    (world.twin.root / "out").symlink_to("/etc/hostname")
    (world.twin.root / "big.bin").write_bytes(b"x" * (world.ctx.settings.max_file_bytes + 1))

    submission = world.submit(world.dag("etl"))

    assert texts(world, submission).keys() == {"etl.py"}
    assert left_out(submission).keys() == {".git", "big.bin", "etl.py~", "out", "web/node_modules"}
    assert submission.snapshot
    assert submission.snapshot.left_out_count == 5
    assert "max_file_bytes" in left_out(submission)["big.bin"]


def test_the_same_files_with_others_left_out_are_another_snapshot(world: World) -> None:
    world.dag("b")
    first = world.submit(world.dag("a"))
    world.write("notes~", "x")
    second = world.submit("b.py")

    assert (left_out(first).keys(), left_out(second).keys()) == (set(), {"notes~"})
    assert first.snapshot
    assert second.snapshot
    assert first.snapshot.tree_id == second.snapshot.tree_id


def test_a_file_that_a_unit_names_is_in_the_snapshot_whatever_the_rules_say(world: World) -> None:
    world = with_settings(world, snapshot_ignore=frozenset({"*.csv"}), max_snapshot_bytes=10)
    world.write("data/rates.csv", "1\n")
    world.write("data/other.csv", "2\n")
    world.dag("etl", lines='OPEN = open("data/rates.csv")')

    submission = world.submit("etl.py")

    assert texts(world, submission).keys() == {"etl.py", "data/rates.csv"}
    assert left_out(submission).keys() == {"data/other.csv"}


def test_units_and_their_snapshot_hold_the_same_bytes(world: World) -> None:
    world.write("lib/__init__.py", "")
    world.write("lib/a.py", "A = 1\n")
    submission = world.submit(world.dag("etl", lines="from lib import a"))

    assert submission.snapshot
    files = world.store.files(snapshot_commit(world.ctx, submission.snapshot.tree_id))
    assert all(files[entry.path] == entry for entry in submission.entries)


def test_a_file_of_the_unit_that_changes_meanwhile_refuses_the_unit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dag("etl")
    after(monkeypatch, "_read_missing", lambda: world.dag("etl", lines="x = 1"), then=None)
    monkeypatch.setattr(snapshots, "_changed_since", lambda *args: set())

    with pytest.raises(ConflictError, match=r"'etl.py' changed while 'etl.py' was being submitted"):
        world.submit("etl.py")
    assert all_snapshots(world) == []


def test_another_file_that_changes_meanwhile_is_taken_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("log.txt", "old")
    after(monkeypatch, "_read_missing", lambda: world.write("log.txt", "new"), then=1)

    submission = world.submit(world.dag("etl"))

    assert texts(world, submission)["log.txt"] == "new"


def test_one_that_never_rests_is_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("log.txt", "")
    after(
        monkeypatch,
        "_read_missing",
        lambda: world.write("log.txt", (world.twin.root / "log.txt").read_text() + "x"),
        then=None,
    )

    submission = world.submit(world.dag("etl"))

    assert texts(world, submission).keys() == {"etl.py"}
    assert left_out(submission) == {"log.txt": "it changed each time that it was read"}


def after(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[], object], *, then: int | None) -> None:
    """Let something happen after a step of taking a snapshot, ``then`` times or always."""
    step = getattr(snapshots, name)
    times = [0]

    def both(*args):  # type: ignore[no-untyped-def]
        result = step(*args)
        times[0] += 1
        if then is None or times[0] <= then:
            do()
        return result

    monkeypatch.setattr(snapshots, name, both)


def test_somebody_who_may_submit_nothing_makes_nobody_read_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "take", lambda *args: pytest.fail("the source was read"))
    path = world.dag("etl")

    with pytest.raises(NotAllowedError):
        submissions.submit(world.ctx, actor=VIEWER, path=path)
    assert submissions.submit_many(world.ctx, actor=VIEWER, paths=[path])[0].submission is None


def test_a_removal_has_none(world: World) -> None:
    world.released(world.dag("etl"))
    world.delete("etl.py")

    assert world.submit("etl.py").snapshot is None


def test_what_is_refused_leaves_no_row(world: World) -> None:
    world.submit(world.dag("etl"))
    world.write("new.sql", "select 1")

    assert submissions.submit_many(world.ctx, actor=DEV, paths=["etl.py"])[0].submission is None
    assert len(all_snapshots(world)) == 1


def test_more_than_the_store_takes_at_once_is_written_on_the_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_HELD_BYTES", 100)
    for number in range(10):
        world.write(f"{number}.sql", f"select {number} -- {'x' * 60}")

    assert len(texts(world, world.submit(world.dag("etl")))) == 11


def test_a_thousand_are_named_and_all_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "_LISTED", 2)
    for number in range(3):
        world.write(f"{number}~", "x")

    snapshot = world.submit(world.dag("etl")).snapshot

    assert snapshot
    assert ([each["path"] for each in snapshot.left_out], snapshot.left_out_count) == (["0~", "1~"], 3)


def test_a_file_that_cannot_be_read_does_not_stop_anybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("secret.sql", "x")
    read = FolderFiles._bytes

    def refuse(files: FolderFiles, path: str) -> bytes:
        return read(files, "nothing-of-that-name" if path == "secret.sql" else path)

    monkeypatch.setattr(FolderFiles, "_bytes", refuse)
    submission = world.submit(world.dag("etl"))

    assert (texts(world, submission).keys(), left_out(submission).keys()) == ({"etl.py"}, {"secret.sql"})


def test_one_that_was_removed_from_the_store_says_so(world: World) -> None:
    submission = world.submit(world.dag("etl"))
    snapshot = submission.snapshot
    assert snapshot
    snapshot.tree_id = "0" * 40

    with pytest.raises(NotFoundError, match="not in the store any more"):
        snapshot_commit(world.ctx, snapshot.tree_id)


def test_the_root_may_be_a_link_that_is_switched(world: World, tmp_path: Path) -> None:
    """As git-sync does: the next request reads the next folder."""
    first = world.submit(world.dag("etl"))
    world.twin.root.rename(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/etl.py").write_text(dag_text("etl", lines="x = 2"))
    world.twin.root.symlink_to(tmp_path / "two", target_is_directory=True)

    second = world.submit("etl.py")

    assert texts(world, second)["etl.py"] == dag_text("etl", lines="x = 2") != texts(world, first)["etl.py"]
