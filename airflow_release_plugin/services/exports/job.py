"""
Makes the files of exports, beside the work of an API server.

Several servers do this at once. An export is claimed by its row version; its server gives a sign of life
now and then. One whose server died is taken over by another, which begins anew.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Event

from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.domain.text.phrasing import BROKEN_INSIDE
from airflow_release_plugin.exceptions import ReleaseError, TransferUnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Export
from airflow_release_plugin.repositories import exports as queries
from airflow_release_plugin.services.exports import exports
from airflow_release_plugin.services.exports.bundle import MadeBundle, make_bundle
from airflow_release_plugin.services.notices import transfer_notices
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.background import (
    Work,
    in_transaction,
    retry_transaction,
)
from airflow_release_plugin.services.runtime.claims import (
    LEASE,
    MAX_ATTEMPTS,
    Claim,
    LostError,
    claim_each,
    claim_next,
)
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

log = logging.getLogger(__name__)

KEPT = timedelta(days=3)
_BEAT = timedelta(seconds=1)
_CHUNK = 1 << 20


def run_once(*, work: Work = unit_of_work, stop: Event | None = None) -> int:
    """Let go of files that were kept long enough, make every bundle that waits; return how many were made."""
    in_transaction(work, _expire)
    return sum(make(claim, work=work, stop=stop) for claim in claim_each(work, _claim_next, stop))


def make_now(export_id: int, *, work: Work = unit_of_work) -> bool:
    """Make one bundle in this process, if nobody was faster."""

    def claim_it(ctx: Context) -> Claim | None:
        row = queries.export(ctx.session, export_id, lock=True)
        return _claim(ctx, row) if row is not None and row.state is ExportState.QUEUED else None

    claim = claim_next(work, claim_it)
    return claim is not None and make(claim, work=work)


def _expire(ctx: Context) -> None:
    for row in queries.over(ctx.session, ctx.clock()):
        row.move_to(ExportState.EXPIRED)
        exports.file_of(ctx, row.id).remove()


def _claim_next(ctx: Context) -> Claim | None:
    row = queries.next_to_make(ctx.session, ctx.clock() - LEASE)
    return None if row is None else _claim(ctx, row)


def _claim(ctx: Context, row: Export) -> Claim | None:
    """Take an export; one that three servers died over is given up instead."""
    attempt = int(row.report.get("attempt", 0)) + 1
    if row.state is ExportState.QUEUED:
        row.move_to(ExportState.RUNNING)
    if attempt > MAX_ATTEMPTS:
        reason = Message(
            "The servers that made it stopped each time; the API server's log may say why. Then retry it."
        )
        _fail(ctx, row, reason, ExportState.ERRORED)
        return None
    row.report = {**row.report, "attempt": attempt}
    row.beat_at, row.done = ctx.clock(), 0
    return Claim(row.id, row.beat_at, attempt)


def make(claim: Claim, *, work: Work = unit_of_work, stop: Event | None = None) -> bool:
    """Make the bundle of a claimed export, and write down what became of it; say whether it is ready."""
    sign = Heartbeat(claim, work, stop)
    try:
        return _make(sign)
    except LostError:
        log.info("Export %s is made elsewhere, or is not wanted any more", claim.id)
        return False


def _make(sign: Heartbeat) -> bool:
    export_id, end = sign.claim.id, ExportState.ERRORED
    try:
        with _scratch() as folder:
            made = make_bundle(export_id, folder, work=sign.work, progress=sign)
            size, sha256 = made.path.stat().st_size, _sha256(made.path)
            retry_transaction(lambda ctx: _ready(ctx, sign, made, size, sha256), sign.work)
    except LostError:
        raise
    except ReleaseError as error:
        reason = error.message
        if error.status < 500:
            end = ExportState.FAILED
    except Exception:
        log.exception("Export %s failed", export_id)
        reason = BROKEN_INSIDE
    else:
        return True
    retry_transaction(lambda ctx: _fail(ctx, sign.own(ctx), reason, end), sign.work)
    return False


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this job alone, in which the file grows before it goes into the database."""
    try:
        with TemporaryDirectory(prefix="airflow-release-") as folder:
            yield Path(folder)
    except OSError as error:
        raise TransferUnavailableError(
            "No bundle can be written below %(folder)s: %(error)s. Make room there.",
            folder=gettempdir(),
            error=error.strerror or error,
        ) from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Heartbeat:
    """Says how far it got, at most once a second, and notices when the export is somebody else's."""

    def __init__(self, claim: Claim, work: Work, stop: Event | None) -> None:
        self.claim = claim
        self.heartbeat_at = claim.heartbeat_at
        self.work = work
        self._stop = stop
        self._next = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._stop is not None and self._stop.is_set():
            retry_transaction(self._give_back, self.work)
            raise LostError
        if time.monotonic() >= self._next or done == total:
            self.heartbeat_at = (
                claim_next(self.work, lambda ctx: self._note(ctx, done, total)) or self.heartbeat_at
            )
            self._next = time.monotonic() + _BEAT.total_seconds()

    def own(self, ctx: Context) -> Export:
        """The export, if it is still ours."""
        row = queries.export(ctx.session, self.claim.id, lock=True)
        if row is None or row.state is not ExportState.RUNNING or row.beat_at != self.heartbeat_at:
            raise LostError
        return row

    def _note(self, ctx: Context, done: int, total: int) -> datetime:
        row = self.own(ctx)
        row.done, row.total, row.beat_at = done, total, ctx.clock()
        return row.beat_at

    def _give_back(self, ctx: Context) -> None:
        row = self.own(ctx)
        row.report = {**row.report, "attempt": self.claim.attempt - 1}
        row.move_to(ExportState.QUEUED)


def _ready(ctx: Context, sign: Heartbeat, made: MadeBundle, size: int, sha256: str) -> None:
    row = sign.own(ctx)
    file = exports.file_of(ctx, row.id)
    file.remove()
    with made.path.open("rb") as stream:
        file.append(iter(lambda: stream.read(_CHUNK), b""))
    row.report = {**row.report, **made.report}
    row.file_size, row.file_sha256 = size, sha256
    row.done = row.total
    row.ready_at = ctx.clock()
    row.expires_at = row.ready_at + KEPT
    row.move_to(ExportState.READY)
    _record(ctx, row, EventTag.EXPORT_READY, size=size, sha256=sha256, dags=made.report["dags"])
    transfer_notices.export_ended(ctx, row)


def _fail(ctx: Context, row: Export, reason: str, end: ExportState) -> None:
    row.error = reason
    row.move_to(end)
    _record(ctx, row, EventTag.EXPORT_FAILED, reason=reason, state=end.value)
    transfer_notices.export_ended(ctx, row)


def _record(ctx: Context, row: Export, tag: EventTag, **data: JsonValue) -> None:
    audit.record(ctx, actor=SYSTEM, tag=tag, subject=f"export:{row.id}", bundle=row.bundle_id, **data)
