"""How the mirror stands: kept in the database for every API server, shown to people, in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.mirror import MirrorState, MovedRef, PushPlan, masked, pause_after
from airflow_release_plugin.exceptions import ConflictError, NotFoundError
from airflow_release_plugin.messages import Message, shortened
from airflow_release_plugin.models import MirrorRecord
from airflow_release_plugin.repositories import mirrors as queries
from airflow_release_plugin.services.drift import alarms
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import HEADS, environment_ref

LOOK_AGAIN = timedelta(minutes=10)
"""How often the mirror is looked at although nothing was promoted: somebody may have moved it."""
_LOOK_AT_MOVED = timedelta(minutes=1)
_LATE = timedelta(minutes=10)
"""From then on a mirror that is behind is a matter for health, whatever the reason."""
_LONGEST_PROBLEM = 1000
_MOST_NAMED = 20


@dataclass(frozen=True)
class MirrorStatus:
    """
    How the mirror stands.

    :param url: without a password; empty where only a connection has it, before the first look
    :param since: since when it is behind or moved
    :param problem: why it cannot be pushed to; empty for people who do not administer releases
    :param is_ordered: an admin said that what somebody else moved is to be overwritten
    """

    url: str
    state: MirrorState
    since: datetime | None = None
    looked_at: datetime | None = None
    next_at: datetime | None = None
    problem: str = ""
    moved: tuple[MovedRef, ...] = ()
    is_ordered: bool = False


@dataclass(frozen=True)
class PushOutcome:
    """
    What a push came to.

    :param url: without a password
    :param heads: commits of the branches that were to be there, by ref
    :param plan: ``None`` where it failed
    """

    url: str
    heads: Mapping[str, str]
    plan: PushPlan | None
    problem: str = ""


def is_configured(ctx: Context) -> bool:
    """Whether there is a mirror."""
    return ctx.settings.has_target and bool(ctx.settings.mirror_url or ctx.settings.mirror_conn_id)


def status(ctx: Context, *, actor: Actor) -> MirrorStatus | None:
    """How the mirror stands, for everybody who is logged in; ``None`` where there is none."""
    if not is_configured(ctx):
        return None
    record = _record_in_force(ctx)
    if record is None:
        return MirrorStatus(masked(ctx.settings.mirror_url), MirrorState.BEHIND)
    return MirrorStatus(
        url=record.url,
        state=_state(ctx, record),
        since=record.behind_since,
        looked_at=record.looked_at,
        next_at=record.next_at,
        problem=record.problem if access.is_admin(ctx, actor) else "",
        moved=record.moved,
        is_ordered=bool(record.overwrite),
    )


def require_status(ctx: Context, *, actor: Actor, name: str) -> MirrorStatus:
    """The same for the environment ``name``; raises ``NotFoundError`` where there is no mirror of it."""
    environments.require_known(ctx, name)
    found = status(ctx, actor=actor)
    if found is None:
        raise NotFoundError("There is no mirror; [release] mirror_url names one.")
    return found


def alarm(ctx: Context) -> MirrorState | None:
    """What health has to say about the mirror: that it fails, is late, or was moved."""
    if not is_configured(ctx):
        return None
    record = _record_in_force(ctx)
    if record is None:
        return None
    state = _state(ctx, record)
    is_late = record.behind_since is not None and ctx.clock() - record.behind_since > _LATE
    return None if state is MirrorState.UP_TO_DATE or (state is MirrorState.BEHIND and not is_late) else state


def _record_in_force(ctx: Context) -> MirrorRecord | None:
    """The record, if it is of the mirror that is configured now."""
    record = queries.mirror(ctx.session)
    wanted = masked(ctx.settings.mirror_url)
    return record if record is not None and wanted in {"", record.url} else None


def _state(ctx: Context, record: MirrorRecord) -> MirrorState:
    if record.moved_json:
        return MirrorState.MOVED
    if record.problem:
        return MirrorState.FAILING
    environment = environment_ref(ctx.settings.environment)
    is_there = record.heads.get(environment) == ctx.store.ref(environment)
    return MirrorState.UP_TO_DATE if is_there and record.behind_since is None else MirrorState.BEHIND


def is_due(ctx: Context, record: MirrorRecord | None, url: str) -> bool:
    """Whether the mirror is to be looked at now."""
    if record is None or record.url != url:
        return True
    if record.next_at is not None and ctx.clock() < record.next_at:
        return False
    if record.problem or record.moved_json or record.heads != ctx.store.refs(HEADS):
        return True
    return record.looked_at is None or ctx.clock() - record.looked_at >= LOOK_AGAIN


def overwrite(ctx: Context, *, actor: Actor, name: str) -> MirrorStatus:
    """
    Give up what somebody else moved, exactly as it was seen: the next push moves it to what is here.

    :raises NotAllowedError: it is for release admins
    :raises NotFoundError: there is no mirror
    :raises ConflictError: nobody moved anything there
    """
    access.require_admin(ctx, actor, Message("overwrite the mirror"))
    require_status(ctx, actor=actor, name=name)
    record = queries.mirror(ctx.session, lock=True)
    if record is None or not record.moved_json:
        raise ConflictError("Nothing that somebody else moved was found in the mirror; nothing was changed.")
    record.overwrite = {each.ref: each.found for each in record.moved}
    record.next_at = None
    _tell_trail(ctx, EventTag.ENVIRONMENT_MIRROR_OVERWRITTEN, record.url, record.moved, actor=actor)
    return require_status(ctx, actor=actor, name=name)


def note(ctx: Context, outcome: PushOutcome, *, actor: Actor) -> None:
    """Write down what a push came to; where somebody else moved something, tell the trail and admins."""
    record = queries.mirror(ctx.session, lock=True)
    if record is None:
        record = MirrorRecord(
            id=1, url=outcome.url, moved_json=[], heads={}, overwrite={}, failures=0, problem=""
        )
        ctx.session.add(record)
    elif record.url != outcome.url:
        record.url, record.moved_json, record.overwrite, record.heads = outcome.url, [], {}, {}
        record.behind_since, record.failures, record.problem = None, 0, ""
    if outcome.plan is None:
        _note_failure(ctx, record, outcome.problem)
    elif outcome.plan.moved:
        _note_moved(ctx, record, outcome.plan, actor=actor)
    else:
        _note_pushed(ctx, record, outcome, outcome.plan, actor=actor)


def _note_failure(ctx: Context, record: MirrorRecord, problem: str) -> None:
    now = ctx.clock()
    record.problem = shortened(problem, _LONGEST_PROBLEM)
    record.failures += 1
    record.next_at = now + pause_after(record.failures)
    record.behind_since = record.behind_since or now


def _note_moved(ctx: Context, record: MirrorRecord, plan: PushPlan, *, actor: Actor) -> None:
    now = ctx.clock()
    news = [
        each for each in plan.moved if (each.ref, each.found) not in {(b.ref, b.found) for b in record.moved}
    ]
    record.moved = plan.moved
    there = {each.ref: each.found for each in plan.moved}
    # An order that came while this push was under way is of what it found, and the next one heeds it
    record.overwrite = {
        ref: found for ref, found in record.overwrite.items() if there.get(ref, found) == found
    }
    record.problem, record.failures = "", 0
    record.looked_at = now
    record.next_at = None if record.overwrite.keys() & there.keys() else now + _LOOK_AT_MOVED
    record.behind_since = record.behind_since or now
    if news:
        _tell_trail(ctx, EventTag.ENVIRONMENT_MIRROR_MOVED, record.url, news, actor=actor)
        alarms.mirror_moved(ctx, ctx.settings.environment, record.url, news, is_put_back=False)


def _note_pushed(
    ctx: Context, record: MirrorRecord, outcome: PushOutcome, plan: PushPlan, *, actor: Actor
) -> None:
    was_moved = bool(record.moved_json)
    record.heads = dict(outcome.heads)
    record.moved, record.overwrite = (), {}
    record.problem, record.failures = "", 0
    record.looked_at, record.next_at, record.behind_since = ctx.clock(), None, None
    if was_moved:
        _tell_trail(ctx, EventTag.ENVIRONMENT_MIRROR_SETTLED, record.url, (), actor=actor)
        alarms.mirror_settled(ctx, ctx.settings.environment, record.url)
    if plan.put_back:
        _tell_trail(
            ctx, EventTag.ENVIRONMENT_MIRROR_MOVED, record.url, plan.put_back, actor=actor, put_back=True
        )
        alarms.mirror_moved(ctx, ctx.settings.environment, record.url, plan.put_back, is_put_back=True)


def _tell_trail(
    ctx: Context,
    tag: EventTag,
    url: str,
    moved: tuple[MovedRef, ...] | list[MovedRef],
    *,
    actor: Actor,
    put_back: bool = False,
) -> None:
    data: dict[str, JsonValue] = {"mirror": url}
    if moved:
        data |= {"refs": [each.to_dict() for each in moved[:_MOST_NAMED]], "total": len(moved)}
    if put_back:
        data["put_back"] = True
    subject = f"environment:{ctx.settings.environment}"
    audit.record(ctx, actor=actor, tag=tag, subject=subject, **data)
