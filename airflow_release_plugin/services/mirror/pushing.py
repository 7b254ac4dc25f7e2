"""
Pushing to the mirror, beside everything else: by one API server at a time, which holds a lease.

Nothing of it is in the way of a promotion. The network is spoken to without a transaction, and objects are
read in short ones of their own: they never change. Two that push at once do no harm, as a ref moves only
from where it was seen.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial, reduce
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.release.mirror import PushPlan, masked, plan_push
from airflow_release_plugin.exceptions import InvalidRequestError, MirrorUnavailableError, ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import mirrors as queries
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.mirror.standing import PushOutcome
from airflow_release_plugin.services.runtime import leases
from airflow_release_plugin.services.runtime.background import Work, in_transaction, retry_transaction
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.store.base import HEADS, MIRRORED
from airflow_release_plugin.store.objects import GitObject, ObjectKind

PAUSE = 5.0
"""Seconds between two looks at whether there is something to push."""
LEASE_NAME = "mirror"

log = logging.getLogger(__name__)

_LEASE = timedelta(minutes=2)
_LONGEST_HISTORY = 1_000_000


@dataclass(frozen=True)
class Push:
    """
    What is to be in a mirror.

    :param refs: commits of branches and tags
    :param pushed: branches as they were pushed last
    :param overwrite: commits there, by ref, that an admin gave up; ``None`` for whatever is there
    """

    address: str
    access: GitAccess
    refs: Mapping[str, str]
    pushed: Mapping[str, str]
    overwrite: Mapping[str, str] | None

    @property
    def heads(self) -> dict[str, str]:
        """Those of branches."""
        return {ref: commit for ref, commit in self.refs.items() if ref.startswith(HEADS)}


def run_once(*, work: Work = unit_of_work, by: str = "", is_asked: bool = False) -> PushOutcome | None:
    """
    Bring the mirror up to date if something is due; ``None`` where nothing is, or another server does it.

    :param by: who pushes; this process if empty
    :param is_asked: somebody asks for it now, whatever is due
    """
    due: list[Push | PushOutcome] = []
    if not in_transaction(work, lambda ctx: due.extend(_due(ctx, by, is_asked))) or not due:
        return None
    outcome = due[0] if isinstance(due[0], PushOutcome) else _attempt(due[0], work, by)
    retry_transaction(lambda ctx: standing.note(ctx, outcome, actor=SYSTEM), work)
    return outcome


def _due(ctx: Context, by: str, is_asked: bool) -> list[Push | PushOutcome]:
    if not standing.is_configured(ctx):
        return []
    record = queries.mirror(ctx.session)
    if not is_asked and not standing.is_due(ctx, record, masked(ctx.settings.mirror_url) or _url_of(record)):
        return []
    if leases.take(ctx, LEASE_NAME, _LEASE, by=by) is None:
        return []
    address, access = ctx.settings.mirror_url, GitAccess()
    refs = refs_of(ctx)
    try:
        if ctx.settings.mirror_conn_id:
            access = ctx.airflow.connections.git_access(ctx.settings.mirror_conn_id)
        address = address or access.url
        if not address:
            raise InvalidRequestError(
                "Connection %(connection)r names no repository; set [release] mirror_url.",
                connection=ctx.settings.mirror_conn_id,
            )
    except ReleaseError as error:
        heads = {ref: commit for ref, commit in refs.items() if ref.startswith(HEADS)}
        return [PushOutcome(masked(address) or _url_of(record), heads, None, error.message)]
    is_same = record is not None and record.url == masked(address)
    return [
        Push(
            address=address,
            access=access,
            refs=refs,
            pushed=record.heads if record and is_same else {},
            overwrite=record.overwrite if record and is_same else {},
        )
    ]


def _url_of(record: object) -> str:
    return str(getattr(record, "url", ""))


def refs_of(ctx: Context) -> dict[str, str]:
    """Branches and tags as they are now."""
    return {ref: commit for prefix in MIRRORED for ref, commit in ctx.store.refs(prefix).items()}


def _attempt(push: Push, work: Work, by: str) -> PushOutcome:
    url = masked(push.address)
    try:
        plan = push_to_mirror(push, work, by)
    except ReleaseError as error:
        return PushOutcome(url, push.heads, None, error.message)
    except Exception as error:
        log.exception("The mirror %s cannot be pushed to", url)
        problem = Message(
            "Something is broken here (%(error)s); the API server's log says more.",
            error=type(error).__name__,
        )
        return PushOutcome(url, push.heads, None, problem)
    return PushOutcome(url, push.heads, plan)


def push_to_mirror(push: Push, work: Work, by: str = "") -> PushPlan:
    """
    Push what a mirror lacks, or nothing where it has something of somebody else; say what that was.

    :raises MirrorUnavailableError: it cannot be pushed to
    :raises InvalidRequestError: the address is none
    """
    plans: list[PushPlan] = []

    def decide(remote: Mapping[str, str]) -> Mapping[str, str]:
        plan = plan_push(
            push.refs,
            remote,
            pushed=push.pushed,
            age=partial(_age, work, push.refs),
            overwrite=remote if push.overwrite is None else push.overwrite,
        )
        plans.append(plan)
        return plan.updates

    # Only here: a git library is much to load for the many that never mirror.
    from airflow_release_plugin.store.mirror_addresses import mirror_at

    try:
        mirror_at(push.address, push.access).push(_ShortReads(work, by), decide)
    except MirrorUnavailableError as error:
        raise MirrorUnavailableError(_without_secrets(error.message, push)) from error
    return plans[-1]


def _age(work: Work, refs: Mapping[str, str], ref: str, commit: str) -> int | None:
    """How many commits a commit lies behind a branch; ``None`` if it is not on it, and for tags."""
    with work() as (ctx, _):
        if not ref.startswith(HEADS) or not ctx.store.objects.existing([commit], ObjectKind.COMMIT):
            return None
        history = ctx.store.objects.chain(refs[ref], _LONGEST_HISTORY)
    return next((age for age, each in enumerate(history) if each.id == commit), None)


def _without_secrets(text: str, push: Push) -> str:
    """What a server or ssh says goes into the database and on a page."""
    found = urlsplit(push.address if "://" in push.address else "")
    in_address = found.password or (found.username if found.scheme != "ssh" else None) or ""
    secrets = [push.access.password, push.access.passphrase, in_address, unquote(in_address)]

    def without(value: Any) -> Any:
        if isinstance(value, Message) and value.many is None:
            values = {name: without(each) for name, each in value.values.items()}
            return Message(without(value.template), **values)
        if isinstance(value, str):
            return reduce(lambda shown, secret: shown.replace(secret, "***"), filter(None, secrets), value)
        return [without(each) for each in value] if isinstance(value, list) else value

    return cast("str", without(text))


class _ShortReads:
    """Objects of the store, each batch in a transaction of its own; holds the lease on the way."""

    def __init__(self, work: Work, by: str) -> None:
        self._work = work
        self._by = by

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        with self._work() as (ctx, _):
            return ctx.store.objects.load(ids, kind)

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        in_transaction(self._work, self._hold)
        with self._work() as (ctx, _):
            return ctx.store.objects.sizes(blobs)

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        with self._work() as (ctx, _):
            return ctx.store.objects.chain(commit, limit)

    def _hold(self, ctx: Context) -> None:
        leases.take(ctx, LEASE_NAME, _LEASE, by=self._by)
