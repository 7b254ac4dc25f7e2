"""
Removes what is kept no longer, some rows at a time, each time in a transaction of its own.

It may be ended at any moment, and may run twice at once: what is left goes in the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.repositories import old_snapshots, reachable
from airflow_release_plugin.repositories import retention as queries
from airflow_release_plugin.repositories.retention import Amount
from airflow_release_plugin.services.retention import archiving, unreachable
from airflow_release_plugin.services.retention.moments import days_ago
from airflow_release_plugin.services.retention.rules import RULES, Rule
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

BATCH = 500
"""Rows that one transaction removes."""
ARCHIVED = "events into the archive"
GRACE = timedelta(days=1)
"""Content stays so long after the last that named it: a request may have seen that, and count on it."""


@dataclass(frozen=True)
class Cleaned:
    """
    What went of one kind, or would go.

    A step tells of it in parts, so that one which fails has told of what went before.

    :param freed: about how many bytes of the database; of snapshots they are those of content
    """

    kind: str
    count: int
    freed: int | None = None

    def __add__(self, more: Cleaned) -> Cleaned:
        freed = None if self.freed is None or more.freed is None else self.freed + more.freed
        return Cleaned(self.kind, self.count + more.count, freed)


def clean(
    *, actor: Actor, dry_run: bool = False, work: Work = unit_of_work, stop: Event | None = None
) -> list[Cleaned]:
    """
    Remove what is kept no longer; say of each kind how much went.

    :param dry_run: only say what would go
    :param stop: ends it early when it is set
    :raises NotAllowedError: it is for release admins
    """
    with work() as (ctx, _):
        access.require_admin(ctx, actor, "remove what is kept no longer")
    done, problems = dict[str, Cleaned](), list[ReleaseError]()
    stop = stop or Event()
    try:
        for step in (_of_rules, _of_snapshots, partial(_of_events, actor), _of_content):
            try:
                for some in step(dry_run, work, stop):
                    done[some.kind] = done[some.kind] + some if some.kind in done else some
            except ReleaseError as error:
                problems.append(error)
    finally:
        if not dry_run:
            _tell(done.values(), actor, work)
    if problems:
        raise problems[0]
    return list(done.values())


def _tell(done: Iterable[Cleaned], actor: Actor, work: Work) -> None:
    """An event of what went, even if the round ended early; none where nothing did."""
    gone = {each.kind: {"count": each.count, "bytes": each.freed} for each in done if each.count}
    if gone:
        with work() as (ctx, _):
            audit.record(
                ctx, actor=actor, tag=EventTag.RETENTION_CLEANED, subject="retention:rows", gone=gone
            )


def _of_rules(dry_run: bool, work: Work, stop: Event) -> Iterator[Cleaned]:
    for rule in RULES:
        yield from (_count(rule, work),) if dry_run else _rows(rule, work, stop)


def _of_snapshots(dry_run: bool, work: Work, stop: Event) -> Iterator[Cleaned]:
    if dry_run:
        yield Cleaned("snapshots", _in_one(work, _old_snapshots))
    else:
        yield from (Cleaned("snapshots", count) for count in _in_batches(work, stop, _remove_snapshots))
        for _ in _in_batches(work, stop, _remove_refs):
            pass


def _of_events(actor: Actor, dry_run: bool, work: Work, stop: Event) -> Iterator[Cleaned]:
    if dry_run:
        yield Cleaned(ARCHIVED, archiving.count(work))
    else:
        yield Cleaned(ARCHIVED, 0, 0)
        for some in archiving.archive(actor=actor, work=work, stop=stop, batch=BATCH):
            yield Cleaned(ARCHIVED, some.count, some.size)


def _of_content(dry_run: bool, work: Work, stop: Event) -> Iterator[Cleaned]:
    """Content of snapshots that went before, and what came to nothing; not in a round that ends early."""
    yield Cleaned("content", 0, 0)
    if stop.is_set():
        return
    with work() as (ctx, _):
        before = ctx.clock() - GRACE
    needed = unreachable.Needed(work, before)
    for ids in unreachable.unneeded(work, needed, before):
        if stop.is_set():
            break
        with work() as (ctx, _):
            if dry_run:
                some = len(ids), reachable.size(ctx.session, ids)
            else:
                some = reachable.remove(ctx.session, ids, before)
        yield Cleaned("content", *some)


def _count(rule: Rule, work: Work) -> Cleaned:
    with work() as (ctx, _):
        before = days_ago(ctx, rule.days(ctx.settings))
        found = queries.amount(ctx.session, rule.model, rule.may_go(before)) if before else Amount()
    return Cleaned(rule.kind, found.rows, found.size)


def _rows(rule: Rule, work: Work, stop: Event) -> Iterator[Cleaned]:
    yield Cleaned(rule.kind, 0, 0)
    some = Amount()
    while not stop.is_set():
        with work() as (ctx, _):
            before = days_ago(ctx, rule.days(ctx.settings))
            if before is None:
                break
            some = queries.remove(ctx.session, rule.model, rule.may_go(before), BATCH, some.last)
        yield Cleaned(rule.kind, some.rows, some.size)
        if not some.last:
            break


def _old_snapshots(ctx: Context) -> int:
    before = days_ago(ctx, ctx.settings.keep_snapshots_days)
    return old_snapshots.count(ctx.session, before) if before else 0


def _remove_snapshots(ctx: Context) -> int:
    before = days_ago(ctx, ctx.settings.keep_snapshots_days)
    return old_snapshots.remove(ctx.session, before, BATCH, ctx.clock()) if before else 0


def _remove_refs(ctx: Context) -> int:
    return old_snapshots.remove_refs(ctx.session, ctx.clock() - GRACE, BATCH)


def _in_one(work: Work, step: Callable[[Context], int]) -> int:
    with work() as (ctx, _):
        return step(ctx)


def _in_batches(work: Work, stop: Event, step: Callable[[Context], int]) -> Iterator[int]:
    """Do a step again and again, until it finds nothing; each time say how much that was."""
    yield 0
    while not stop.is_set() and (count := _in_one(work, step)):
        yield count
