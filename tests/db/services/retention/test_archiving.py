"""Old events go into signed files, month by month, and the trail stays whole across the cut."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from airflow_release_plugin import durable
from airflow_release_plugin.domain.bundle.manifest import canonical_json
from airflow_release_plugin.domain.events import GENESIS, EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.exceptions import ArchiveUnavailableError, ConflictError, NotFoundError
from airflow_release_plugin.models import Event, EventArchive
from airflow_release_plugin.repositories import event_archives, events
from airflow_release_plugin.repositories.event_archives import Span
from airflow_release_plugin.services.read_models import archived_events
from airflow_release_plugin.services.retention import archive_check, archiving, cleaning
from airflow_release_plugin.services.runtime import audit, keys
from airflow_release_plugin.transfer.attestation import PREDICATE_TYPE as BUNDLE_TYPE
from airflow_release_plugin.transfer.attestation import sign
from airflow_release_plugin.transfer.event_archive import lines, signature_of
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, steps_of, with_settings
from tests.harness.databases import counted
from tests.harness.retention import clean

pytestmark = [pytest.mark.req("R93"), pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])]
ARCHIVED = cleaning.ARCHIVED
MONTHS = 4
PER_MONTH = 5
KEPT = 365


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    path.mkdir()
    return path


@pytest.fixture
def aged(world: World, clock: FrozenClock, folder: Path, tmp_path: Path) -> World:
    """Some months with events in each, all of them older than the days that they are kept."""
    aged = with_settings(
        world, keep_events_days=KEPT, event_archive_path=str(folder), keys_path=tmp_path / "keys"
    )
    keys.generate(aged.ctx, actor=ADMIN)
    for _ in range(MONTHS):
        for number in range(PER_MONTH):
            audit.record(
                aged.ctx, actor=ADMIN, tag=EventTag.FLOW_CHANGED, subject=f"flow:{number}", words="é <&> 1"
            )
        clock.advance(days=31)
    clock.advance(days=KEPT + 31)
    aged.ctx.session.commit()
    return aged


def sequences(world: World) -> list[int]:
    return list(world.ctx.session.scalars(select(Event.sequence).order_by(Event.sequence)))


def archives(world: World) -> list[EventArchive]:
    query = select(EventArchive).order_by(EventArchive.first_sequence)
    return list(world.ctx.session.scalars(query.execution_options(populate_existing=True)))


def in_files(folder: Path) -> list[int]:
    return [line.sequence for path in sorted(folder.glob("*.jsonl")) for line in lines(path)]


def test_each_month_goes_into_a_file_of_its_own_and_the_trail_holds(aged: World, folder: Path) -> None:
    events = aged.ctx.session.scalars(select(Event).order_by(Event.sequence))
    whole = {row.sequence: row.hash for row in events}
    assert clean(aged, ARCHIVED, dry_run=True) == {ARCHIVED: len(whole)}
    assert not list(folder.iterdir())

    assert clean(aged, ARCHIVED) == {ARCHIVED: len(whole)}

    rows = archives(aged)
    assert len(rows) == MONTHS
    assert in_files(folder) == list(whole)
    assert min(sequences(aged)) == len(whole) + 1
    for row in rows:
        content = (folder / row.name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row.sha256, row.size)
        assert [line.hash for line in lines(folder / row.name)] == [
            whole[number] for number in range(row.first_sequence, row.last_sequence + 1)
        ]
    assert audit.first_broken_link(aged.ctx) is None
    audit.record(aged.ctx, actor=ADMIN, tag=EventTag.FLOW_CHANGED, subject="flow:1")
    assert audit.first_broken_link(aged.ctx) is None
    assert clean(aged, ARCHIVED) == {}


def test_the_trail_tells_of_each_file_and_of_what_went(aged: World) -> None:
    before = len(sequences(aged))
    clean(aged)

    told = list(aged.ctx.session.scalars(select(Event).order_by(Event.sequence)))
    *files, last = told
    assert [event.data["file"] for event in files] == [row.name for row in archives(aged)]
    assert [event.data["sha256"] for event in files] == [row.sha256 for row in archives(aged)]
    assert last.tag is EventTag.RETENTION_CLEANED
    assert last.data["gone"][ARCHIVED]["count"] == before
    assert last.data["gone"][ARCHIVED]["bytes"] == sum(row.size for row in archives(aged))


def test_a_month_that_is_not_over_long_enough_stays(
    world: World, clock: FrozenClock, aged: World, folder: Path
) -> None:
    clean(aged)
    done = len(archives(aged))
    clock.advance(days=KEPT)
    left = sequences(aged)
    assert clean(aged, ARCHIVED) == {}
    clock.advance(days=31)

    assert clean(aged, ARCHIVED) == {ARCHIVED: len(left)}
    assert len(archives(aged)) == done + 1
    assert audit.first_broken_link(aged.ctx) is None


@pytest.mark.parametrize("setting", [{"event_archive_path": ""}, {"keep_events_days": 0}])
def test_nothing_goes_unless_a_place_is_set(aged: World, folder: Path, setting: dict[str, Any]) -> None:
    there = sequences(aged)

    assert clean(with_settings(aged, **setting), ARCHIVED) == {}

    assert sequences(aged) == there
    assert not list(folder.iterdir())


@pytest.mark.parametrize("dead_at", range(3, 14))
def test_whoever_is_killed_leaves_nothing_lost_and_nothing_twice(
    aged: World, folder: Path, dead_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "_READ", 3)
    monkeypatch.setattr(cleaning, "BATCH", 2)
    there = sequences(aged)
    steps, opened = steps_of(aged), 0

    @contextmanager
    def dies() -> Iterator[Any]:
        nonlocal opened
        opened += 1
        if opened == dead_at:
            raise KeyboardInterrupt
        with steps() as found:
            yield found
        aged.ctx.session.commit()

    def dead(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cleaning, "_of_rules", lambda *_: ())
    monkeypatch.setattr(cleaning, "_of_snapshots", lambda *_: ())
    monkeypatch.setattr(cleaning, "_of_content", lambda *_: ())
    with monkeypatch.context() as patch:
        patch.setattr(cleaning, "_tell", dead)
        with pytest.raises(KeyboardInterrupt):
            cleaning.clean(actor=SYSTEM, work=dies)
    assert opened == dead_at
    aged.ctx.session.rollback()
    gone = set(there) - set(sequences(aged))
    assert gone <= set(in_files(folder))
    assert audit.first_broken_link(aged.ctx) is None

    clean(aged)

    assert in_files(folder) == there
    assert not set(sequences(aged)) & set(there)
    assert audit.first_broken_link(aged.ctx) is None
    assert {path.suffix for path in folder.iterdir()} <= {".jsonl", ".json", ""}


def test_a_file_that_was_begun_by_somebody_who_died_goes(aged: World, folder: Path) -> None:
    (folder / ".0123.partial").write_bytes(b"half")

    clean(aged)

    assert not list(folder.glob(".*.partial"))


def test_without_the_folder_or_a_key_nothing_goes_and_the_rest_is_cleaned(
    aged: World, tmp_path: Path
) -> None:
    there = sequences(aged)
    for dry_run in (True, False):
        with pytest.raises(ArchiveUnavailableError, match="event_archive_path"):
            clean(with_settings(aged, event_archive_path=str(tmp_path / "not mounted")), dry_run=dry_run)
        with pytest.raises(NotFoundError, match="keys generate"):
            clean(with_settings(aged, keys_path=tmp_path / "no keys"), dry_run=dry_run)

    assert not (tmp_path / "not mounted").exists()
    assert sequences(aged) == there


@pytest.mark.parametrize("name", ["a file", "a file/below", "a loop", "~nobody-here/x", "x" * 300])
def test_a_dry_run_refuses_the_folder_that_cleaning_refuses(aged: World, tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_text("no folder")
    (tmp_path / "a loop").symlink_to(tmp_path / "a loop")
    path = name if name.startswith("~") else str(tmp_path / name)
    there = sequences(aged)

    for dry_run in (True, False):
        with pytest.raises(ArchiveUnavailableError, match="event_archive_path"):
            clean(with_settings(aged, event_archive_path=path), dry_run=dry_run)

    assert sequences(aged) == there


@pytest.mark.parametrize("dead_at", range(8))
def test_a_disk_that_is_full_loses_nothing(
    aged: World, folder: Path, dead_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, real, synced = sequences(aged), os.fsync, 0

    def full(handle: int) -> None:
        nonlocal synced
        synced += 1
        if synced == dead_at + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(durable.os, "fsync", full)
        with pytest.raises(ArchiveUnavailableError, match="No space left"):
            clean(aged)
    assert set(there) - set(sequences(aged)) <= set(in_files(folder))
    assert audit.first_broken_link(aged.ctx) is None

    clean(aged)

    assert in_files(folder) == there
    assert not list(folder.glob(".*.partial"))


def test_a_trail_that_was_changed_is_not_signed(aged: World, folder: Path) -> None:
    there = sequences(aged)
    aged.ctx.session.execute(update(Event).where(Event.sequence == 3).values(actor_name="somebody"))
    aged.ctx.session.expire_all()

    with pytest.raises(ConflictError, match="event 3"):
        clean(aged)

    assert sequences(aged) == there
    assert not list(folder.glob("*.jsonl"))


def test_a_file_that_is_not_there_as_it_was_written_keeps_its_events(
    aged: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "_remove", lambda *_: 0)
        patch.setattr(archiving.Path, "glob", lambda *_: ())
        written = archiving._write(folder, ADMIN, steps_of(aged))
    assert written
    (row,) = archives(aged)
    there = sequences(aged)
    for path in (folder / row.name, signature_of(folder / row.name)):
        whole = path.read_bytes()
        for changed in (whole[:-1], b"\xff\xfe", b""):
            path.write_bytes(changed)
            for dry_run in (True, False):
                with pytest.raises(ArchiveUnavailableError, match=row.name):
                    clean(aged, dry_run=dry_run)
            assert sequences(aged) == there
        path.write_bytes(whole)

    clean(aged)
    assert min(sequences(aged)) > row.last_sequence


def test_a_month_that_another_server_went_on_with_stays_while_its_file_is_not_here(
    aged: World, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where API servers do not share the folder; the other one goes on while this one removes."""
    archiving._write(folder, ADMIN, steps_of(aged))
    other, there = tmp_path / "other", sequences(aged)
    other.mkdir()
    remove = event_archives.remove_events

    def overtaken(session: Session, span: Span, limit: int) -> int:
        gone = remove(session, span, limit)
        if not list(other.iterdir()):
            archiving._write(other, ADMIN, steps_of(aged))
        return gone

    monkeypatch.setattr(event_archives, "remove_events", overtaken)
    with pytest.raises(ArchiveUnavailableError, match="as it was written"):
        clean(aged)

    first, second = archives(aged)
    assert (other / second.name).is_file()
    assert set(there) - set(sequences(aged)) == set(range(1, first.last_sequence + 1))


def test_a_file_with_other_events_is_not_written_over(aged: World, folder: Path) -> None:
    """Of another installation with the same folder, or from before the database was restored."""
    there = sequences(aged)
    clean(aged)
    path = min(folder.glob("*.jsonl"))
    kept = {each.name: each.read_bytes() for each in folder.iterdir()}
    aged.ctx.session.execute(delete(EventArchive))
    aged.ctx.session.execute(delete(Event))
    head = events.lock_head(aged.ctx.session)
    head.sequence, head.hash = 0, GENESIS
    other = with_settings(aged, event_archive_path=str(folder))
    then = replace(other.ctx, clock=lambda: datetime(2020, 1, 3, tzinfo=timezone.utc))
    for _ in lines(path):
        audit.record(then, actor=ADMIN, tag=EventTag.FLOW_CHANGED, subject="flow:other")
    here = sequences(aged)

    with pytest.raises(ArchiveUnavailableError, match=f"another file {path.name}"):
        clean(other)

    assert len(here) < len(there)
    assert sequences(aged) == here
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == kept


def test_the_same_events_are_written_again_with_the_key_of_today(aged: World, folder: Path) -> None:
    """Whoever wrote the file was killed before it was noted, and the key was replaced since."""
    (Path(aged.ctx.settings.event_archive_path) / ".lock").touch()
    with aged.ctx.session.begin_nested() as undone:
        archiving._write(folder, ADMIN, steps_of(aged))
        undone.rollback()
    keys.generate(aged.ctx, actor=ADMIN, replacing=True)

    clean(aged)

    found = archive_check.check(aged.ctx, folder.glob("*.jsonl"))
    assert len(found) >= MONTHS
    assert not [each.problem for each in found if each.problem]
    assert audit.first_broken_link(aged.ctx) is None


def test_what_was_signed_as_something_else_is_no_archive(aged: World, folder: Path) -> None:
    """The key signs bundles, too; and people give folders, signatures and files that are not there."""
    key = KeyFolder(aged.ctx.settings.keys_path).signing_key()
    for number, data in enumerate((b"", b"no event\n", b"\xff")):
        path, digest = folder / f"events-{number}.jsonl", hashlib.sha256(data).hexdigest()
        path.write_bytes(data)
        subject = [{"name": path.name, "digest": {"sha256": digest}}]
        statement = canonical_json({"subject": subject, "predicateType": BUNDLE_TYPE})
        signature_of(path).write_bytes(sign(statement, key).to_bytes())
    paths = [*folder.iterdir(), folder, Path(), Path("/"), folder / "none"]

    found = archive_check.check(aged.ctx, paths)

    assert len(found) == len(paths)
    assert all(each.problem for each in found)
    assert [each.problem for each in found if each.name.endswith(".jsonl")] == [
        "It was not signed as a file of events"
    ] * 3


def at(world: World, *moments: datetime) -> None:
    """An event of each moment."""
    for moment in moments:
        then = replace(world.ctx, clock=lambda moment=moment: moment)
        audit.record(then, actor=ADMIN, tag=EventTag.FLOW_CHANGED, subject="flow:1")


def test_a_month_begins_everywhere_as_in_utc(world: World, folder: Path, tmp_path: Path) -> None:
    """Whatever zone the connection has: otherwise the last day of a month would take the next one with it."""
    aged = with_settings(
        world, keep_events_days=KEPT, event_archive_path=str(folder), keys_path=tmp_path / "keys"
    )
    KeyFolder(tmp_path / "keys").generate()
    evening, later = (
        datetime(2024, 1, 31, 20, tzinfo=timezone.utc),
        datetime(2024, 2, 20, tzinfo=timezone.utc),
    )
    at(aged, evening, later)
    now = datetime(2025, 2, 10, tzinfo=timezone.utc)
    today = replace(aged, ctx=replace(aged.ctx, clock=lambda: now))
    is_postgresql = aged.ctx.session.get_bind().dialect.name == "postgresql"
    aged.ctx.session.execute(text("SET TIME ZONE 'Asia/Shanghai'" if is_postgresql else "SELECT 1"))

    try:
        assert clean(today, ARCHIVED, dry_run=True) == clean(today, ARCHIVED) == {ARCHIVED: 1}
        assert aged.ctx.session.scalars(select(Event.time).where(Event.sequence == 2)).one() == later
        assert archives(today)[0].last_at.isoformat() == evening.isoformat()
    finally:
        aged.ctx.session.execute(text("RESET TIME ZONE" if is_postgresql else "SELECT 1"))
        aged.ctx.session.commit()


def test_where_clocks_differ_pages_still_find_the_file(world: World, folder: Path, tmp_path: Path) -> None:
    aged = with_settings(
        world, keep_events_days=KEPT, event_archive_path=str(folder), keys_path=tmp_path / "keys"
    )
    KeyFolder(tmp_path / "keys").generate()
    ahead = datetime(2020, 1, 31, 23, 59, 59, tzinfo=timezone.utc)
    at(aged, datetime(2020, 1, 5, tzinfo=timezone.utc), ahead, ahead - timedelta(seconds=2))

    clean(aged)

    assert archived_events.since(aged.ctx, ahead) is not None


def test_what_went_before_a_round_failed_is_told(aged: World, folder: Path) -> None:
    there = sequences(aged)
    aged.ctx.session.execute(update(Event).where(Event.sequence == there[-1]).values(actor_name="somebody"))
    aged.ctx.session.expire_all()

    with pytest.raises(ConflictError, match=f"event {there[-1]}"):
        clean(aged)
    aged.ctx.session.commit()

    gone = set(there) - set(sequences(aged))
    told = aged.ctx.session.scalars(select(Event).where(Event.tag == EventTag.RETENTION_CLEANED))
    assert gone
    assert [event.data["gone"][ARCHIVED]["count"] for event in told] == [len(gone)]


@pytest.mark.parametrize("days", [-3, 10**7, 10**12])
def test_more_days_than_there_were_are_for_ever(aged: World, days: int) -> None:
    there = sequences(aged)
    if days < 0:
        days += (aged.ctx.clock() - datetime.min.replace(tzinfo=timezone.utc)).days
    names = ("snapshots", "notifications", "transfers", "details", "events")

    assert clean(with_settings(aged, **{f"keep_{name}_days": days for name in names})) == {}

    assert sequences(aged) == there


def test_verifying_asks_for_all_archives_together(aged: World, clock: FrozenClock, folder: Path) -> None:
    def statements() -> int:
        aged.ctx.session.commit()
        aged.ctx.session.expunge_all()
        with counted(aged.ctx.session.get_bind()) as found:
            assert audit.first_broken_link(aged.ctx) is None
        return len(found)

    clean(aged)
    few, some = statements(), len(archives(aged))
    for _ in range(5):
        at(aged, clock())
        clock.advance(days=31)
    clock.advance(days=KEPT + 31)
    clean(aged)

    assert len(archives(aged)) >= some + 5
    assert statements() == few


def cut_to(world: World, **changed: Any) -> None:
    world.ctx.session.execute(update(EventArchive).where(EventArchive.first_sequence == 1).values(**changed))
    world.ctx.session.expire_all()


def broken(world: World) -> tuple[int, str]:
    found = audit.first_broken_link(world.ctx)
    assert found is not None
    return found.sequence, found.reason


@pytest.mark.parametrize(
    "change", [{"hash": "0" * 64}, {"last_sequence": 3}, {"sha256": "0" * 64}, {"envelope": "{}"}]
)
def test_who_changes_what_is_written_down_of_a_cut_is_found_out(aged: World, change: dict[str, Any]) -> None:
    clean(aged)
    cut_to(aged, **change)

    assert broken(aged)[0] == 1


def test_who_cuts_the_trail_off_by_sql_is_found_out(aged: World) -> None:
    clean(aged)
    first = min(sequences(aged))
    aged.ctx.session.execute(delete(Event).where(Event.sequence == first))
    assert broken(aged)[0] == first


def test_who_removes_the_cut_is_found_out(aged: World) -> None:
    clean(aged)
    aged.ctx.session.execute(delete(EventArchive))

    assert broken(aged)[0] == 1


def test_another_key_does_not_vouch_for_a_cut_but_a_former_one_does(aged: World, tmp_path: Path) -> None:
    clean(aged)
    keys.generate(aged.ctx, actor=ADMIN, replacing=True)
    assert audit.first_broken_link(aged.ctx) is None

    sequence, reason = broken(with_settings(aged, keys_path=tmp_path / "others"))
    assert (sequence, "does not have" in reason) == (1, True)


def test_the_signature_is_an_in_toto_statement_about_the_file(aged: World, folder: Path) -> None:
    clean(aged)
    path = min(folder.glob("*.jsonl"))
    envelope = json.loads(signature_of(path).read_text())

    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert json.loads(path.read_text().splitlines()[0])["sequence"] == 1
