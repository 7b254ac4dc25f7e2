"""
The drift guard: what runs against what was approved (R77).

Each machine keeps its own copy of what it serves, so each looks at its own; branch, commits and trail are the
same seen from everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.release.drift import Finding, FindingKind
from airflow_release_plugin.domain.release.machines import SilentMachine
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import MachineLook, Release
from airflow_release_plugin.repositories import machines
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.drift import alarms, lineage, served_trees
from airflow_release_plugin.services.drift.served_trees import Machine
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.promotion import machines as machines_that_follow
from airflow_release_plugin.services.promotion.environments import EnvironmentDetail
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context

MOST_KEPT = 100
"""Findings that one event of the trail keeps; more are counted."""


@dataclass(frozen=True)
class DriftReport:
    """What one machine found."""

    host: str
    environment: str
    head: str | None
    trees: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class EnvironmentStatus:
    """
    Where an environment stands.

    :param folder: where this machine keeps what it serves; ``None`` when it serves nothing of it
    :param silent: machines that are at work and do not ask any more
    """

    environment: EnvironmentDetail
    release: Release | None
    updated_at: datetime | None
    host: str
    folder: str | None
    served: str | None
    looks: tuple[MachineLook, ...]
    silent: tuple[SilentMachine, ...]


def status(ctx: Context, *, actor: Actor, name: str) -> EnvironmentStatus:
    """Where an environment stands, and what was found last; nothing is read through for it."""
    view = environments.get(ctx, actor=actor, name=name)
    record = release_queries.environment(ctx.session, name)
    folders = ctx.airflow.bundles.serving_folders(name)
    served = served_trees.served_commit(folders) if folders else None
    brought = release_queries.by_target_commit(ctx.session, name, [view.commit] if view.commit else [])
    return EnvironmentStatus(
        environment=view,
        release=next(iter(brought.values()), None),
        updated_at=record.updated_at if record else None,
        host=served_trees.host(),
        folder=str(folders.base) if folders and served else None,
        served=served,
        looks=looks(ctx, name),
        silent=machines_that_follow.silent(ctx, name),
    )


def looks(ctx: Context, name: str) -> tuple[MachineLook, ...]:
    """What each machine found last, by its name."""
    return tuple(machines.looks(ctx.session, name))


def look_of_this_machine(ctx: Context, name: str) -> MachineLook | None:
    """What this machine found last."""
    return next((row for row in looks(ctx, name) if row.host == served_trees.host()), None)


def is_alarmed(ctx: Context, name: str) -> bool:
    """Whether a machine found something that is not known to be gone; one query."""
    return machines.is_alarmed(ctx.session, name)


def verify(ctx: Context, *, actor: Actor, name: str) -> DriftReport:
    """
    Compare the trees of this machine, the branch, its commits and the trail with what was approved.

    What is found, or is found no more, is an event of the trail.

    :raises NotAllowedError: it is for release admins
    """
    access.require_admin(ctx, actor, Message("verify %(name)r", name=name))
    found = look(ctx, name)
    report(ctx, found, actor=actor)
    return found


def look(ctx: Context, name: str) -> DriftReport:
    """The same, and nothing is written down."""
    view = environments.get(ctx, actor=SYSTEM, name=name)
    machine = served_trees.look(ctx, name)
    return DriftReport(
        host=served_trees.host(),
        environment=name,
        head=view.commit,
        trees=len(machine.trees) if machine else 0,
        findings=(*_of_machine(ctx, view, machine), *_of_branch(view), *_of_history(ctx, view)),
    )


def _of_machine(ctx: Context, view: EnvironmentDetail, machine: Machine | None) -> list[Finding]:
    if machine is None:
        return []
    record = release_queries.environment(ctx.session, view.name)
    patience = timedelta(seconds=ctx.settings.verify_timeout)
    is_settled = record is None or ctx.clock() - record.updated_at > patience
    return list(served_trees.findings(machine, view.commit, is_settled=is_settled))


def _of_branch(view: EnvironmentDetail) -> list[Finding]:
    if not view.moved:
        return []
    return [
        Finding(
            FindingKind.MOVED,
            Message("branch %(branch)s", branch=view.name),
            Message(
                "At %(commit)s, but the last promotion left it at %(recorded_commit)s",
                commit=view.commit or Message("nothing"),
                recorded_commit=view.recorded_commit or Message("nothing"),
            ),
        )
    ]


def _of_history(ctx: Context, view: EnvironmentDetail) -> list[Finding]:
    found = list(lineage.findings(ctx, view.name, view.commit))
    broken = audit.first_broken_link(ctx)
    if broken is not None:
        found.append(Finding(FindingKind.AUDIT_BROKEN, Message("audit trail"), broken.reason))
    return found


def is_news(ctx: Context, found: DriftReport) -> bool:
    """Whether this machine found something else when it looked last."""
    return _differs(look_of_this_machine(ctx, found.environment), found)


def _differs(before: MachineLook | None, found: DriftReport) -> bool:
    known = (before.findings, before.total) if before else ((), 0)
    return known != (found.findings[:MOST_KEPT], len(found.findings))


def report(ctx: Context, found: DriftReport, *, actor: Actor) -> None:
    """Write down what this machine found; where it is news, tell the trail and whom it may concern."""
    rows = {row.host: row for row in machines.looks(ctx.session, found.environment, lock=True)}
    row, now = rows.get(found.host), ctx.clock()
    is_new = _differs(row, found)
    known = {finding for each in rows.values() for finding in each.findings}
    was_alarmed = any(each.total for each in rows.values())
    if row is None:
        row = MachineLook(environment=found.environment, host=found.host, changed_at=now)
        ctx.session.add(row)
    row.looked_at = now
    if not is_new:
        return
    row.changed_at, row.total = now, len(found.findings)
    row.findings = found.findings[:MOST_KEPT]
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_VERIFIED,
        subject=f"environment:{found.environment}",
        host=found.host,
        commit=found.head,
        total=row.total,
        findings=row.findings_json,
    )
    fresh = [finding for finding in row.findings if finding not in known]
    if fresh:
        alarms.drifted(ctx, found.environment, found.host, fresh)
    elif was_alarmed and not is_alarmed(ctx, found.environment):
        alarms.ended(ctx, found.environment, found.host)


def forget(ctx: Context, *, actor: Actor, name: str, host: str) -> None:
    """
    Drop what a machine found that is no longer there to look again.

    :raises NotAllowedError: it is for release admins
    :raises NotFoundError: no machine of that name has looked
    """
    access.require_admin(ctx, actor, Message("forget machines of %(name)r", name=name))
    row = next((row for row in looks(ctx, name) if row.host == host), None)
    if row is None:
        raise NotFoundError(
            "No machine %(host)r has looked at %(name)r. Reload the page.", host=host, name=name
        )
    ctx.session.delete(row)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_MACHINE_FORGOTTEN,
        subject=f"environment:{name}",
        host=host,
        total=row.total,
    )


def repair(ctx: Context, *, actor: Actor, name: str) -> DriftReport:
    """
    Put the branch back to the last promotion and the trees of this machine to their commits; look again.

    Commits that nobody approved and a broken trail cannot be repaired, only known.

    :raises NotAllowedError: it is for release admins
    """
    access.require_admin(ctx, actor, Message("repair %(name)r", name=name))
    view = environments.restore(ctx, actor=actor, name=name)
    paths = served_trees.repair(ctx, name, view.commit)
    if paths:
        audit.record(
            ctx,
            actor=actor,
            tag=EventTag.ENVIRONMENT_REPAIRED,
            subject=f"environment:{name}",
            host=served_trees.host(),
            paths=paths[:MOST_KEPT],
            total=len(paths),
        )
        ctx.airflow.serving.announce(name, str(view.commit), [path for path in paths if path.endswith(".py")])
    return verify(ctx, actor=actor, name=name)
