"""States of many subjects in a fixed number of queries; what one waiting request polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.repositories import approvals, events, exports, imports, releases
from airflow_release_plugin.services.releases import schedule
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

MISSING = "missing"
HELD = "approved_held"
"""Approved, but its schedule, a freeze or a hold holds it back; ``approved`` again when it may go on."""
UNTOLD = timedelta(seconds=5)
"""After this, states are read although nothing happened: nobody tells of an expiry or a schedule."""


@dataclass(frozen=True)
class Look:
    """
    What one look found.

    :param changed: subjects whose state is not the known one
    :param sequence: number of the last event before the states were read
    :param at: when they were read
    """

    changed: dict[str, str]
    sequence: int
    at: datetime


def look_again(ctx: Context, *, actor: Actor, known: Mapping[str, str], last: Look | None) -> Look:
    """
    :func:`changed_states`, for the price of one number while nothing happens.

    A change of state is told in the trail, in its own transaction. So states are read when there is a new
    event, and else now and then only: a request that waits for 10,000 gates looks each second.
    """
    access.require_executor(ctx, actor, Message("watch states"))
    now = ctx.clock()
    # Before the states: what happens in between is seen by the next look.
    sequence = events.last_sequence(ctx.session)
    if last is not None and last.sequence == sequence and now - last.at < UNTOLD:
        return last
    return Look(changed_states(ctx, actor=actor, known=known), sequence, now)


def changed_states(ctx: Context, *, actor: Actor, known: Mapping[str, str]) -> dict[str, str]:
    """
    The subjects whose effective state differs from the known one.

    :param known: ``{"release:7": "awaiting_approval", "gate:3": "", "export:2": ""}``;
        an empty state differs from every one
    :raises InvalidRequestError: a subject is not of that form
    :raises NotAllowedError: the actor is neither a service user nor an admin
    """
    access.require_executor(ctx, actor, Message("watch states"))
    ids = _parsed(known)
    now = ctx.clock()
    present: dict[str, str] = {
        f"release:{i}": state.value
        for i, state in releases.release_states(ctx.session, ids["release"], now).items()
    }
    approved = [i for i in ids["release"] if present.get(f"release:{i}") == ReleaseState.APPROVED.value]
    present |= {f"release:{release_id}": HELD for release_id in schedule.waiting(ctx, approved)}
    present |= {
        f"gate:{i}": state.value for i, state in approvals.gate_states(ctx.session, ids["gate"], now).items()
    }
    present |= {
        f"export:{i}": state.value for i, state in exports.states(ctx.session, ids["export"], now).items()
    }
    present |= {f"import:{i}": state.value for i, state in imports.states(ctx.session, ids["import"]).items()}
    return {
        key: present.get(key, MISSING) for key, state in known.items() if present.get(key, MISSING) != state
    }


def _parsed(known: Mapping[str, str]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {"release": [], "gate": [], "export": [], "import": []}
    for key in known:
        kind, _, number = key.partition(":")
        if kind not in ids or not number.isdecimal() or len(number) > 18:
            raise InvalidRequestError(
                "%(key)r is not a subject; write release:<id>, gate:<id>, export:<id> or import:<id>.",
                key=key,
            )
        ids[kind].append(int(number))
    return ids
