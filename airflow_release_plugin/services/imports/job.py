"""
Applies imports, beside the work of an API server.

Several servers do this at once. Each takes an import by a sign of life of its own, and does everything in one
transaction that holds the import locked. If a server dies, nothing of its work is there; another begins anew.
"""

from __future__ import annotations

import logging
from threading import Event

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Person
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.domain.text.phrasing import BROKEN_INSIDE
from airflow_release_plugin.exceptions import ReleaseError, UnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.repositories import applied_imports
from airflow_release_plugin.repositories import imports as queries
from airflow_release_plugin.services.imports import applying, imports
from airflow_release_plugin.services.notices import transfer_notices
from airflow_release_plugin.services.runtime.background import Work, retry_transaction
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


def run_once(*, work: Work = unit_of_work, stop: Event | None = None) -> int:
    """Apply every import that waits for it; return how many were applied."""
    return sum(apply(claim, work=work) for claim in claim_each(work, _claim_next, stop))


def apply_now(import_id: int, *, work: Work = unit_of_work) -> bool:
    """Apply one import in this process, if nobody was faster; say whether it is applied."""

    def claim_it(ctx: Context) -> Claim | None:
        row = queries.get(ctx.session, import_id, lock=True)
        is_free = row is not None and row.state is ImportState.APPLYING and row.beat_at is None
        return _claim(ctx, row) if row is not None and is_free else None

    claim = claim_next(work, claim_it)
    return claim is not None and apply(claim, work=work)


def _claim_next(ctx: Context) -> Claim | None:
    row = applied_imports.next_to_apply(ctx.session, ctx.clock() - LEASE)
    return None if row is None else _claim(ctx, row)


def _claim(ctx: Context, row: Import) -> Claim | None:
    """Take an import; one that three servers died over is given back instead."""
    attempt = int(row.options["attempt"]) + 1
    if attempt > MAX_ATTEMPTS:
        _give_back(
            ctx,
            row,
            Message("The servers that applied it stopped each time; the API server's log may say why."),
        )
        return None
    row.options = {**row.options, "attempt": attempt}
    row.beat_at = ctx.clock()
    return Claim(row.id, row.beat_at, attempt)


def apply(claim: Claim, *, work: Work = unit_of_work) -> bool:
    """Apply a claimed import, or write down why that cannot be; say whether it is applied."""
    try:
        with work() as (ctx, _):
            row = _own(ctx, claim)
            person = applying.asked_by(row)
            applying.carry_out(ctx, row, actor=person)
            transfer_notices.import_ended(ctx, row, Person(person.id, person.name))
    except LostError:
        log.info("Import %s is applied elsewhere", claim.id)
        return False
    except ReleaseError as error:
        reason, is_passing = error.message, _is_passing(error) and claim.attempt < MAX_ATTEMPTS
    except Exception:
        log.exception("Import %s failed", claim.id)
        reason, is_passing = BROKEN_INSIDE, False
    else:
        return True
    retry_transaction(lambda ctx: _end(ctx, claim, "" if is_passing else reason), work)
    return False


def _is_passing(error: ReleaseError) -> bool:
    """Whether it was only that somebody else was in the way at this moment."""
    return bool(error.context.get("lost_race")) or type(error) is UnavailableError


def _own(ctx: Context, claim: Claim) -> Import:
    """The import, if it is still ours."""
    row = queries.get(ctx.session, claim.id, lock=True)
    if row is None or row.state is not ImportState.APPLYING or row.beat_at != claim.heartbeat_at:
        raise LostError
    return row


def _end(ctx: Context, claim: Claim, reason: str) -> None:
    """Let the next round try again, or give the import back to people, with the reason."""
    try:
        row = _own(ctx, claim)
    except LostError:
        return
    if reason:
        _give_back(ctx, row, reason)
    else:
        row.beat_at = None


def _give_back(ctx: Context, row: Import, reason: str) -> None:
    """Nothing of it is here, so it may be applied later, once what was wrong is mended."""
    person = applying.asked_by(row)
    row.error = reason
    row.applied_bundle_id = row.beat_at = None
    row.move_to(ImportState.CHECKED)
    imports.record(ctx, row, EventTag.IMPORT_APPLY_FAILED, actor=SYSTEM, reason=reason)
    transfer_notices.import_ended(ctx, row, Person(person.id, person.name))
