"""Machines that serve an environment: their signs of life, and those that go on without giving any."""

from __future__ import annotations

import logging

from sqlalchemy.exc import DBAPIError

from airflow_release_plugin.domain.release.machines import KEPT, MachineSign, SilentMachine, patience
from airflow_release_plugin.repositories import followers
from airflow_release_plugin.services.runtime.context import Context

log = logging.getLogger(__name__)


def note(ctx: Context, environment: str, sign: MachineSign) -> None:
    """
    Write down that a machine asked where an environment is; who may ask was seen before.

    A database that is busy, or takes no writes, must not keep the machine from its answer.
    """
    try:
        with ctx.session.begin_nested():
            followers.note(ctx.session, environment, sign, ctx.clock())
    except DBAPIError as error:
        log.info("That %s follows %s was not noted (%s)", sign.host, environment, type(error).__name__)


def silent(ctx: Context, environment: str) -> tuple[SilentMachine, ...]:
    """
    Machines that serve what they have, since they do not ask any more though they are at work; by name.

    One query, and two more where a machine is quiet.
    """
    now = ctx.clock()
    rows = followers.quiet(ctx.session, environment, since=now - KEPT, until=now - patience(0))
    missed = {row.host: row.heard_at + patience(row.pause) for row in rows}
    missed = {host: moment for host, moment in missed.items() if moment < now}
    at_work = ctx.airflow.serving.machines_at_work(environment, missed) if missed else {}
    return tuple(
        SilentMachine(row.host, row.serves, row.heard_at, at_work[row.host])
        for row in rows
        if row.host in at_work
    )
