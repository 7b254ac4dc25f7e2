"""
Moves old events of the audit trail into signed files, a calendar month into each.

A month is written, synced and signed; then the cut is written down in the trail itself; then its events go,
after the file was read once more. Whoever is killed in between leaves everything in place: the next round
writes the same bytes again, or goes on removing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event as Signal

from airflow_release_plugin import durable
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ArchiveUnavailableError, ConflictError
from airflow_release_plugin.models import EventArchive
from airflow_release_plugin.repositories import event_archives, events
from airflow_release_plugin.repositories.event_archives import Span
from airflow_release_plugin.services.retention.moments import days_ago
from airflow_release_plugin.services.runtime import audit, installation, trail_cuts
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.trail_cuts import Cut
from airflow_release_plugin.transfer.attestation import Envelope, sign
from airflow_release_plugin.transfer.event_archive import (
    ArchiveFacts,
    EventLine,
    sha256_of,
    signature_of,
)
from airflow_release_plugin.transfer.keys import KeyFolder

SUBJECT = "retention:events"
_READ = 1000
"""Events that one transaction reads."""
_UNFINISHED = ".partial"


@dataclass(frozen=True)
class Archived:
    """How many events went, and the bytes of their files."""

    count: int = 0
    size: int = 0


def count(work: Work) -> int:
    """
    How many events would go.

    :raises ReleaseError: as :func:`archive` does, but for a trail that was changed, which is not verified
    """
    with work() as (ctx, _):
        before, folder = _before(ctx), _folder(ctx)
        if before is None:
            return 0
        _require_folder(folder)
        span = event_archives.events_before(ctx.session, before)
        if span is None:
            return 0
        row = event_archives.newest(ctx.session)
        if row is not None and row.last_sequence >= span.first:
            _require_file(folder, row)
        KeyFolder(ctx.settings.keys_path).signing_key()
        return span.number


def archive(*, actor: Actor, work: Work, stop: Signal, batch: int) -> Iterator[Archived]:
    """
    Archive every month that is old enough; what was written and what went, as it comes.

    :param batch: events that one transaction removes
    :raises ArchiveUnavailableError: the folder, or a file that was written before, is not there
    :raises NotFoundError: there is no key to sign with
    :raises ConflictError: the trail was changed: what does not hold together is not signed
    """
    with work() as (ctx, _):
        folder, is_wanted = _folder(ctx), _before(ctx) is not None
    if not is_wanted:
        return
    with _locked(folder):
        while not stop.is_set():
            yield from (Archived(count=gone) for gone in _remove(folder, work, stop, batch))
            written = None if stop.is_set() else _write(folder, actor, work)
            if written is None:
                break
            yield Archived(size=written)


def _before(ctx: Context) -> datetime | None:
    """The beginning of the month that stays first; ``None`` where all events do."""
    before = days_ago(ctx, ctx.settings.keep_events_days) if ctx.settings.event_archive_path else None
    return _month(before) if before else None


def _folder(ctx: Context) -> Path:
    return Path(os.path.expanduser(ctx.settings.event_archive_path))  # noqa: PTH111 (Path's fails for ~nobody)


def _month(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep others out; what they began and were killed over goes."""
    with _reaching(folder), durable.exclusive(folder / ".lock"):
        for path in folder.glob(f".*{_UNFINISHED}"):
            path.unlink()
        yield


def _require_folder(folder: Path) -> None:
    """Refuse a folder that is not there or cannot be written to, without writing to it."""
    with _reaching(folder):
        os.scandir(folder).close()
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _reaching(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveUnavailableError(
            "Old events cannot be archived in %(folder)s ([release] event_archive_path): %(reason)s. None "
            "was removed that is not there. Mount or make the folder, and let the user whom Airflow runs as "
            "write to it.",
            folder=str(folder),
            reason=error.strerror or error,
        ) from error


def _write(folder: Path, actor: Actor, work: Work) -> int | None:
    """Write the oldest month, and write down the cut; its bytes, or ``None`` where none is old enough."""
    with work() as (ctx, _):
        before, oldest = _before(ctx), event_archives.oldest_event(ctx.session)
        if before is None or oldest is None or oldest[1] >= before:
            return None
        end = _month(_month(oldest[1]) + timedelta(days=32))
        span = event_archives.events_before(ctx.session, end)
        cut, uid = trail_cuts.newest(ctx), installation.uid(ctx)
        key = KeyFolder(ctx.settings.keys_path).signing_key()
    if span is None:
        return None
    last, last_at, sha256, size = _write_lines(folder, span, cut, work)
    facts = ArchiveFacts(uid, span.first, span.last, cut.hash, last.hash, sha256)
    envelope = sign(facts.statement(), key)
    with durable.appearing(signature_of(folder / facts.name)) as stream:
        stream.write(envelope.to_bytes())
    with work() as (ctx, _):
        _note(ctx, facts, envelope, last_at, size, actor)
    return size


def _write_lines(folder: Path, span: Span, cut: Cut, work: Work) -> tuple[EventLine, datetime, str, int]:
    """Write events into their file; return the last one, the latest time, hash and size of the file."""
    name = ArchiveFacts("", span.first, span.last, "", "", "").name
    found, size, line = hashlib.sha256(), 0, None
    latest = datetime.min.replace(tzinfo=timezone.utc)
    with durable.appearing(folder / name, suffix=_UNFINISHED) as stream:
        for line in _checked(span, cut, work):
            data = line.to_bytes()
            found.update(data)
            size += len(data)
            latest = max(latest, line.time)
            stream.write(data)
        if line is None or line.sequence != span.last:
            raise _broken(line.sequence + 1 if line else span.first)
        _require_free(folder / name, found.hexdigest())
    return line, latest, found.hexdigest(), size


def _require_free(path: Path, sha256: str) -> None:
    """Refuse to write over other events: those of another installation, or from before a restore."""
    if path.exists() and sha256_of(path) != sha256:
        raise ArchiveUnavailableError(
            "%(folder)s has another file %(name)s already: of another installation, or from before the "
            "database was restored. It was not touched, and no events were removed. Give each installation a "
            "folder of its own, or move that file and its signature away.",
            folder=str(path.parent),
            name=path.name,
        )


def _checked(span: Span, cut: Cut, work: Work) -> Iterator[EventLine]:
    """Events of a span, each of which follows the one before."""
    sequence, prev_hash = cut.sequence + 1, cut.hash
    while sequence <= span.last:
        with work() as (ctx, _):
            rows = events.following(ctx.session, sequence - 1, min(_READ, span.last - sequence + 1))
            some = [trail_cuts.line_of(row) for row in rows]
        for line in some:
            if (line.sequence, line.prev_hash, line.hash) != (sequence, prev_hash, line.own_hash):
                raise _broken(sequence)
            yield line
            sequence, prev_hash = sequence + 1, line.hash
        if not some:
            return


def _broken(sequence: int) -> ConflictError:
    return ConflictError(
        "The audit trail was changed at event %(sequence)s, or before it: nothing of it is archived or "
        "removed. 'airflow release verify-audit' says more; restore the trail from a backup.",
        sequence=sequence,
    )


def _note(
    ctx: Context, facts: ArchiveFacts, envelope: Envelope, last_at: datetime, size: int, actor: Actor
) -> None:
    """Write down the cut, and tell the trail of it."""
    events.lock_head(ctx.session)
    if trail_cuts.newest(ctx).sequence != facts.first_sequence - 1:
        raise ConflictError(
            "Another server archived %(name)s at the same moment. Nothing was removed; do it again.",
            name=facts.name,
        )
    row = EventArchive(
        first_sequence=facts.first_sequence,
        last_sequence=facts.last_sequence,
        last_at=last_at,
        hash=facts.hash,
        name=facts.name,
        size=size,
        sha256=facts.sha256,
        envelope=envelope.to_bytes().decode(),
        host=socket.gethostname(),
        archived_at=ctx.clock(),
    )
    ctx.session.add(row)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RETENTION_ARCHIVED,
        subject=SUBJECT,
        file=row.name,
        sha256=row.sha256,
        key=envelope.key_id,
        first=row.first_sequence,
        last=row.last_sequence,
        hash=row.hash,
    )


def _remove(folder: Path, work: Work, stop: Signal, batch: int) -> Iterator[int]:
    """Remove the events whose archive is written down, if it is there as it was written; how many."""
    checked = 0
    while not stop.is_set():
        with work() as (ctx, _):
            row, oldest = event_archives.newest(ctx.session), event_archives.oldest_event(ctx.session)
            if row is None or oldest is None or oldest[0] > row.last_sequence:
                break
            # Another server, with a folder of its own, may have gone on with the next month meanwhile
            if checked != row.first_sequence:
                _require_file(folder, row)
                checked = row.first_sequence
            gone = event_archives.remove_events(ctx.session, Span(oldest[0], row.last_sequence), batch)
        yield gone


def _require_file(folder: Path, row: EventArchive) -> None:
    path = folder / row.name
    is_there = path.is_file() and signature_of(path).is_file()
    if (
        is_there
        and sha256_of(path) == row.sha256
        and signature_of(path).read_bytes() == row.envelope.encode()
    ):
        return
    raise ArchiveUnavailableError(
        "The archive %(name)s, which %(host)s wrote, is not in %(folder)s as it was written: its events are "
        "not removed. Bring it and its signature there, or let all API servers share the folder.",
        name=row.name,
        host=row.host,
        folder=str(folder),
    )
