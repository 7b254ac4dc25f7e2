"""
Who speaks for a release: only the tasks of the run that works on it.

See invariant 12 (docs/concepts/invariants.md).

The login of the pipeline is no secret: every task can read the connection. So it moves nothing by itself.
What a task may say depends on what Airflow recorded: that it is of the run which the release started for its
present attempt, that it runs now, and that its operator is there for this. And the first to say "I am that
task" makes up a secret, which everything said later has to carry: a second one shows that somebody forges,
and stops the release.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.tasks import TaskKey, TaskRecord, TaskRole
from airflow_release_plugin.domain.text.phrasing import either
from airflow_release_plugin.exceptions import ConflictError, TaskClaimedError, TaskMismatchError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, TaskClaim
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import task_claims as queries
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

_FAILED = "failed"


def claim(ctx: Context, *, actor: Actor, release_id: int, task: TaskKey, secret: str) -> TaskClaim:
    """
    Say that the actor is a task of the release's run. The same secret gets the same claim again.

    It holds until a worker takes the task up anew. A task that Airflow holds for failed may still say why.

    :param secret: made up by the caller; only its hash is kept
    :raises TaskMismatchError: Airflow has no such task at work for this attempt
    :raises TaskClaimedError: another caller has said so before; the release, if still open, is errored
    """
    access.require_executor(ctx, actor, Message("speak for a task of a release"))
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    record = _require_task_of(ctx, release, task, actor=actor)
    operator = ctx.airflow.tasks.operator(task)
    if operator is None:
        _refuse(ctx, release, task, actor, Message("claim"), Message("has no structure in Airflow"))
    digest = hashlib.sha256(secret.encode()).hexdigest()
    process = _process(record)
    found = queries.of_task(ctx.session, task)
    if found is None:
        found = TaskClaim(**task.to_dict())
        ctx.session.add(found)
    elif found.process == process:
        if not hmac.compare_digest(found.secret_hash, digest):
            _contest(ctx, release, found, actor=actor)
        return found
    found.release_id, found.attempt, found.role = release.id, release.attempt, operator.role
    found.process, found.secret_hash = process, digest
    found.claimed_at, found.contested_at = ctx.clock(), None
    for name, value in stamp(actor, "claimed").items():
        setattr(found, name, value)
    # The caller needs the id.
    ctx.session.flush()
    return found


def require_task(
    ctx: Context,
    release: Release,
    *roles: TaskRole,
    actor: Actor,
    deed: str,
    by_hand: bool = True,
    at_work: bool = True,
) -> None:
    """
    Let only tasks of the release's run that have one of ``roles`` do this, and admins by hand.

    :param roles: none for every task of the run
    :param deed: what is done, for messages: "promote releases"
    :param by_hand: whether an admin without a task may do it; what they do then bears their name
    :param at_work: whether the task must run; else one that has failed may do it as well
    :raises NotAllowedError: the actor neither works for pipelines nor administers releases
    :raises TaskMismatchError: the actor is not such a task, or not any more
    :raises ConflictError: the task is of an earlier attempt or run
    """
    access.require_executor(ctx, actor, deed)
    if actor.kind is ActorKind.SYSTEM or (by_hand and not actor.claim and access.is_admin(ctx, actor)):
        return
    found = _proven(ctx, actor, release, deed)
    task = found.task
    if (found.attempt, task.run_id) != (release.attempt, release.pipeline_run_id):
        raise ConflictError(
            "%(release)s is in attempt %(attempt)s, on which run %(run)r works; "
            "this task is of attempt %(claimed_attempt)s and run %(run_id)r.",
            release=release.subject,
            attempt=release.attempt,
            run=release.pipeline_run_id,
            claimed_attempt=found.attempt,
            run_id=task.run_id,
        )
    if found.contested_at is not None:
        raise TaskClaimedError(_contested(found))
    record = ctx.airflow.tasks.record(task)
    if record is None or _process(record) != found.process or (at_work and not record.is_running):
        _refuse(ctx, release, task, actor, deed, Message("does not run any more, or was started anew since"))
    if roles and found.role not in roles:
        needed = either(role.value for role in roles)
        _refuse(
            ctx,
            release,
            task,
            actor,
            deed,
            Message("has no operator for it; that takes one that can %(needed)s", needed=needed),
        )


def _process(record: TaskRecord) -> str:
    return f"{record.process} {record.state}"[:2000]


def _require_task_of(ctx: Context, release: Release, task: TaskKey, *, actor: Actor) -> TaskRecord:
    if (task.dag_id, task.run_id) != (release.pipeline_dag_id, release.pipeline_run_id):
        working = f"{release.pipeline_dag_id!r}, {release.pipeline_run_id!r}"
        _refuse(
            ctx,
            release,
            task,
            actor,
            Message("claim"),
            Message("is not of the run that works on it (%(run)s)", run=working),
        )
    record = ctx.airflow.tasks.record(task)
    if record is None or not (record.is_running or record.state == _FAILED):
        state = Message("not known in this try") if record is None else record.state or Message("not begun")
        why = Message("does not run: it is %(state)s", state=state)
        _refuse(ctx, release, task, actor, Message("claim"), why)
    if record.bundle_name == ctx.settings.source:
        why = Message(
            "comes from %(bundle)r, which people edit; release the pipeline first",
            bundle=record.bundle_name,
        )
        _refuse(ctx, release, task, actor, Message("claim"), why)
    return record


def _proven(ctx: Context, actor: Actor, release: Release, deed: str) -> TaskClaim:
    """The claim that the actor carries, if it is one of the release."""
    number, _, secret = actor.claim.partition(".")
    found = queries.with_id(ctx.session, int(number)) if number.isdecimal() and len(number) < 10 else None
    digest = hashlib.sha256(secret.encode()).hexdigest()
    if found is None or found.release_id != release.id or not hmac.compare_digest(found.secret_hash, digest):
        said = (
            Message("carries a claim that is none of this release")
            if actor.claim
            else Message("names no task")
        )
        _refuse(ctx, release, None, actor, deed, said)
    return found


def _refuse(
    ctx: Context, release: Release, task: TaskKey | None, actor: Actor, deed: str, why: str
) -> NoReturn:
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.TASK_REFUSED,
        subject=f"release:{release.id}",
        deed=deed,
        reason=why,
        **(task.to_dict() if task else {}),
    )
    who = (
        Message(
            "Task %(task_id)r of run %(run_id)r, try %(try_number)s,",
            task_id=task.task_id,
            run_id=task.run_id,
            try_number=task.try_number,
        )
        if task
        else Message("The call")
    )
    raise TaskMismatchError(
        "%(who)s %(why)s. Only the tasks that work on %(release)s now may %(deed)s, through "
        "the operators of this package; an admin promotes, verifies, runs and stops by "
        "hand, without a task.",
        who=who,
        why=why,
        release=release.subject,
        deed=deed,
    )


def _contest(ctx: Context, release: Release, found: TaskClaim, *, actor: Actor) -> NoReturn:
    """Two say that they are one: nobody can tell who lies, so nothing that either said may count."""
    found.contested_at = ctx.clock()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.TASK_CONTESTED,
        subject=f"release:{release.id}",
        first_claimed_by=found.claimed_by_name,
        first_claimed_at=found.claimed_at.isoformat(),
        **found.task.to_dict(),
    )
    releases.discredit(ctx, release, actor=actor, reason=_contested(found))
    raise TaskClaimedError(_contested(found))


def _contested(found: TaskClaim) -> str:
    return Message(
        "Two callers said that they are task %(task_id)r of run %(run_id)r, try "
        "%(try_number)s: one of them forges with the pipeline's login. What they reported "
        "counts for nothing. Find out who can read the connection, change its password, and "
        "retry the release.",
        task_id=found.task_id,
        run_id=found.run_id,
        try_number=found.try_number,
    )
