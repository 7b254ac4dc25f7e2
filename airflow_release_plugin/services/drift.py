"""
The drift guard: what runs against what was approved (R77).

Each machine keeps its own copy of what it serves, so each looks at its own; branch, commits and trail are the
same seen from everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_release_plugin.domain.drift import Finding, FindingKind
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Event, Release
from airflow_release_plugin.repositories import events as event_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services import access, audit, environments, lineage, served_trees
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.services.environments import EnvironmentView
from airflow_release_plugin.services.served_trees import Machine

MOST_KEPT = 100
"""Findings that one event of the trail keeps; more are counted."""


@dataclass(frozen=True)
class Verification:
    """What one machine found."""

    host: str
    environment: str
    head: str | None
    trees: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class LastLook:
    """What a machine found when that last changed."""

    host: str
    time: datetime
    findings: tuple[Finding, ...]
    total: int


@dataclass(frozen=True)
class Standing:
    """
    Where an environment stands.

    :param folder: where this machine keeps what it serves; ``None`` when it serves nothing of it
    """

    environment: EnvironmentView
    release: Release | None
    updated_at: datetime | None
    host: str
    folder: str | None
    served: str | None
    looks: tuple[LastLook, ...]


def standing(ctx: Context, *, actor: Actor, name: str) -> Standing:
    """Where an environment stands, and what was found last; nothing is read through for it."""
    view = environments.get(ctx, actor=actor, name=name)
    record = release_queries.environment(ctx.session, name)
    folders = ctx.airflow.bundles.serving_folders(name)
    served = served_trees.served_commit(folders) if folders else None
    brought = release_queries.by_target_commit(ctx.session, name, [view.commit] if view.commit else [])
    return Standing(
        environment=view,
        release=next(iter(brought.values()), None),
        updated_at=record.updated_at if record else None,
        host=served_trees.host(),
        folder=str(folders.base) if folders and served else None,
        served=served,
        looks=looks(ctx, name),
    )


def looks(ctx: Context, name: str) -> tuple[LastLook, ...]:
    """What each machine found last, by its name."""
    found: dict[str, LastLook] = {}
    for event in event_queries.of_tag(ctx.session, EventTag.ENVIRONMENT_VERIFIED, f"environment:{name}"):
        found.setdefault(str(event.data["host"]), _look(event))
    return tuple(found[machine] for machine in sorted(found))


def _look(event: Event) -> LastLook:
    data = event.data
    kept = tuple(Finding.from_dict(finding) for finding in data["findings"])
    return LastLook(str(data["host"]), event.time, kept, int(data["total"]))


def is_alarmed(ctx: Context, name: str) -> bool:
    """Whether a machine found something that is not known to be gone."""
    return any(look.total for look in looks(ctx, name))


def verify(ctx: Context, *, actor: Actor, name: str) -> Verification:
    """
    Compare the trees of this machine, the branch, its commits and the trail with what was approved.

    What is found, or is found no more, is an event of the trail.

    :raises NotAllowedError: it is for release admins
    """
    access.require_admin(ctx, actor, f"verify {name!r}")
    view = environments.get(ctx, actor=actor, name=name)
    machine = served_trees.look(ctx, name)
    found = Verification(
        host=served_trees.host(),
        environment=name,
        head=view.commit,
        trees=len(machine.trees) if machine else 0,
        findings=(*_of_machine(ctx, view, machine), *_of_branch(view), *_of_history(ctx, view)),
    )
    _report(ctx, found, actor=actor)
    return found


def _of_machine(ctx: Context, view: EnvironmentView, machine: Machine | None) -> list[Finding]:
    if machine is None:
        return []
    record = release_queries.environment(ctx.session, view.name)
    patience = timedelta(seconds=ctx.settings.verify_timeout)
    is_settled = record is None or ctx.clock() - record.updated_at > patience
    return list(served_trees.findings(machine, view.commit, is_settled=is_settled))


def _of_branch(view: EnvironmentView) -> list[Finding]:
    if not view.moved:
        return []
    return [
        Finding(
            FindingKind.MOVED,
            f"branch {view.name}",
            f"At {view.commit or 'nothing'}, but the last promotion left it at "
            f"{view.recorded_commit or 'nothing'}",
        )
    ]


def _of_history(ctx: Context, view: EnvironmentView) -> list[Finding]:
    found = list(lineage.findings(ctx, view.name, view.commit))
    broken = audit.first_broken_link(ctx)
    if broken is not None:
        found.append(
            Finding(FindingKind.AUDIT_BROKEN, "audit trail", f"Changed at event {broken}, or before it")
        )
    return found


def _report(ctx: Context, found: Verification, *, actor: Actor) -> None:
    """Tell the trail, where there is news since this machine looked last."""
    kept = found.findings[:MOST_KEPT]
    before = next((look for look in looks(ctx, found.environment) if look.host == found.host), None)
    known = (before.findings, before.total) if before else ((), 0)
    if known == (kept, len(found.findings)):
        return
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_VERIFIED,
        subject=f"environment:{found.environment}",
        host=found.host,
        commit=found.head,
        total=len(found.findings),
        findings=[finding.to_dict() for finding in kept],
    )


def repair(ctx: Context, *, actor: Actor, name: str) -> Verification:
    """
    Put the branch back to the last promotion and the trees of this machine to their commits; look again.

    Commits that nobody approved and a broken trail cannot be repaired, only known.

    :raises NotAllowedError: it is for release admins
    """
    access.require_admin(ctx, actor, f"repair {name!r}")
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
