"""Configuring approval flows. Every change makes a revision, is audited, and leaves what is under way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Step
from airflow_release_plugin.domain.flow.feasibility import unmet_steps
from airflow_release_plugin.domain.flow.flow import FlowSpec, StepSpec
from airflow_release_plugin.domain.flow.rules import level_warnings
from airflow_release_plugin.domain.flow.values import flow_from_dict, flow_to_dict
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.text.field_errors import Problem, refusal
from airflow_release_plugin.exceptions import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
)
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.models import Flow, FlowRevision
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.repositories import flows as queries
from airflow_release_plugin.services.approvals.flows import (
    DEFAULT_FLOW,
    NOBODY,
    default_flow,
    people_for,
    who_is_known,
)
from airflow_release_plugin.services.approvals.notifications import require_notifiers
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class FlowDetail:
    """A flow as pages show it. ``id`` and ``priority`` are ``None`` for the built-in one, tried last."""

    id: int | None
    spec: FlowSpec
    priority: int | None
    revision: int
    created_by: Person | None = None
    created_at: datetime | None = None
    updated_by: Person | None = None
    updated_at: datetime | None = None
    warnings: tuple[str, ...] = ()

    @property
    def is_builtin(self) -> bool:
        """Whether it is the default flow, which cannot be edited or deleted here."""
        return self.id is None


@dataclass(frozen=True)
class StepPeople:
    """Who can approve at one step now."""

    level: int
    level_name: str
    step: str
    rule: str
    needed: int
    people: tuple[Person, ...]
    escalates_after_hours: float | None
    escalates_to: tuple[str, ...]
    including: tuple[str, ...] = ()
    beside_previous: bool = False


def may_edit(ctx: Context, actor: Actor) -> bool:
    """Whether the actor may configure flows: a right of its own, per_dag_flows from approving and editing."""
    return actor.kind is ActorKind.USER and actor.has_any_role(ctx.settings.flow_admin_roles)


def require_editor(ctx: Context, actor: Actor) -> None:
    """Raise ``NotAllowedError`` unless the actor may configure flows, or sits at the computer itself."""
    if actor.kind is not ActorKind.SYSTEM and not may_edit(ctx, actor):
        raise NotAllowedError(
            "%(actor)r may not change approval flows; it needs one of the roles "
            "%(roles)s ([release] flow_admin_roles).",
            actor=actor.name,
            roles=sorted(ctx.settings.flow_admin_roles) or Message("(none configured)"),
        )


def list_flows(ctx: Context, *, actor: Actor) -> list[FlowDetail]:
    """All flows in the order in which they are tried; the built-in ones last. Everybody may see the rules."""
    del actor
    rows = [_view(row) for row in queries.flows(ctx.session)]
    builtin = default_flow(ctx, ReleaseKind.PROMOTION)
    return [*rows, FlowDetail(None, builtin, None, 1)]


def get(ctx: Context, *, actor: Actor, flow_id: int) -> FlowDetail:
    """A flow by id."""
    del actor
    return _view(_found(queries.flow(ctx.session, flow_id), flow_id))


def _found(row: Flow | None, flow_id: int) -> Flow:
    if row is None:
        raise NotFoundError(
            "There is no flow %(flow_id)s; it may have been deleted. Reload the list.", flow_id=flow_id
        )
    return row


def _view(row: Flow) -> FlowDetail:
    spec = row.spec
    return FlowDetail(
        row.id,
        spec,
        row.priority,
        row.revision,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
        warnings=tuple(level_warnings(spec.levels)),
    )


def people(ctx: Context, spec: FlowSpec) -> list[StepPeople]:
    """By name, who can approve at each step of each level now (R35)."""
    found = []
    for number, level in enumerate(spec.levels, start=1):
        for step in level.steps:
            resolved = people_for(ctx, step)
            found.append(
                StepPeople(
                    level=number,
                    level_name=level.name,
                    step=step.name,
                    rule=step.rule.value,
                    needed=resolved.needed,
                    people=resolved.eligible,
                    escalates_after_hours=step.escalate_after_hours,
                    escalates_to=(*step.escalate_users, *step.escalate_roles),
                    including=resolved.including,
                    beside_previous=step.beside_previous,
                )
            )
    return found


def _require_possible(ctx: Context, spec: FlowSpec) -> None:
    """Refuse a flow that the people there are could never complete."""
    _require_second_person(ctx, spec)
    for number, level in enumerate(spec.levels, start=1):
        steps = [people_for(ctx, step) for step in level.steps]
        for step in unmet_steps(steps, counts_twice=spec.counts_twice):
            text = Message(
                "Level %(number)s, step %(step)r needs %(needed)s people, and those who can approve "
                "are: %(names)s.",
                number=number,
                step=step.name,
                needed=step.needed,
                names=[person.name for person in step.eligible] or NOBODY,
            )
            sentences = [
                text,
                _members_text(step),
                Message("One person counts once a step.")
                if spec.counts_twice
                else Message("One person counts once."),
                Message("Name more people or a role that more people hold, or ask for fewer."),
                who_is_known(ctx),
            ]
            raise refusal([Problem("levels", together(filter(None, sentences)))])


def _require_second_person(ctx: Context, spec: FlowSpec) -> None:
    """Refuse a flow that wants two people to break the glass where fewer could."""
    if spec.break_glass_confirm_minutes is None:
        return
    able = people_for(ctx, StepSpec("", roles=spec.break_glass_roles)).eligible
    if len(able) < 2:
        text = Message(
            "Two people are to break the glass together, and those who could are: %(names)s. "
            "Name a role that more people hold, or let one person do.",
            names=[person.name for person in able] or NOBODY,
        )
        sentences = filter(None, [text, who_is_known(ctx)])
        raise refusal([Problem("break_glass_confirm_minutes", together(sentences))])


def _members_text(step: Step) -> str:
    return (
        Message("One of them must be of %(including)s.", including=list(step.including))
        if step.including
        else ""
    )


def preview(ctx: Context, *, actor: Actor, raw: dict[str, Any]) -> FlowDetail:
    """
    Check a flow without saving it.

    :raises InvalidRequestError: see :func:`save`
    """
    require_editor(ctx, actor)
    spec = flow_from_dict(raw)
    require_notifiers(spec)
    _require_possible(ctx, spec)
    return FlowDetail(None, spec, None, 0, warnings=tuple(level_warnings(spec.levels)))


def create(ctx: Context, *, actor: Actor, raw: dict[str, Any]) -> FlowDetail:
    """
    Add a flow; it is tried after all others but the built-in one.

    :param raw: the form that :func:`~airflow_release_plugin.domain.flow.values.flow_to_dict` writes
    :raises InvalidRequestError: the form breaks a rule, or nobody could complete a step
    :raises ConflictError: another flow has the name
    """
    spec = preview(ctx, actor=actor, raw=raw).spec
    _require_free_name(ctx, spec.name, None)
    now = ctx.clock()
    row = Flow(
        id=queries.last_flow_id(ctx.session) + 1,
        name=spec.name,
        kind=spec.kind,
        enabled=spec.enabled,
        priority=queries.last_priority(ctx.session) + 1,
        revision=1,
        spec_json=flow_to_dict(spec),
        created_at=now,
        updated_at=now,
        **stamp(actor, "created"),
        **stamp(actor, "updated"),
    )
    ctx.session.add(row)
    _keep_revision(ctx, row, actor=actor, tag=EventTag.FLOW_CREATED)
    # A name that somebody else took at the same time is found here, not after the answer.
    ctx.session.flush()
    return _view(row)


def update(ctx: Context, *, actor: Actor, flow_id: int, raw: dict[str, Any], revision: int) -> FlowDetail:
    """
    Replace a flow's content; what is under way goes on under the revision it started with (R34).

    :param revision: the one that the editor saw
    :raises ConflictError: somebody else saved in between, or another flow has the name
    """
    spec = preview(ctx, actor=actor, raw=raw).spec
    row = _found(queries.flow(ctx.session, flow_id, lock=True), flow_id)
    if row.revision != revision:
        raise ConflictError(
            "Flow %(flow)r is at revision %(revision)s now, saved by %(person)s; you "
            "edited revision %(edited)s. Reload it and make your change again.",
            flow=row.name,
            revision=row.revision,
            person=row.updated_by_name,
            edited=revision,
        )
    _require_free_name(ctx, spec.name, row.id)
    _write(ctx, row, spec, actor=actor)
    return _view(row)


def set_enabled(ctx: Context, *, actor: Actor, flow_id: int, enabled: bool) -> FlowDetail:
    """Switch a flow on or off; the same again is a no-op."""
    return switch(ctx, actor=actor, flow_ids=[flow_id], enabled=enabled)[0]


def switch(ctx: Context, *, actor: Actor, flow_ids: Collection[int], enabled: bool) -> list[FlowDetail]:
    """Switch flows on or off, all or none; one that is so already stays as it is."""
    require_editor(ctx, actor)
    rows = _locked(ctx, flow_ids)
    for row in rows:
        if row.enabled != enabled:
            _write(ctx, row, flow_from_dict({**row.spec_json, "enabled": enabled}), actor=actor)
    return [_view(row) for row in rows]


def delete(ctx: Context, *, actor: Actor, flow_ids: Collection[int]) -> list[str]:
    """Delete flows and return their names; all or none. Revisions stay: approvals name them."""
    require_editor(ctx, actor)
    rows = _locked(ctx, flow_ids)
    for row in rows:
        audit.record(
            ctx, actor=actor, tag=EventTag.FLOW_DELETED, subject=f"flow:{row.id}", flow=row.spec_json
        )
        ctx.session.delete(row)
    return [row.name for row in rows]


def _locked(ctx: Context, flow_ids: Collection[int]) -> list[Flow]:
    """All of these flows, locked in the order of their ids."""
    rows = queries.locked_flows(ctx.session, flow_ids)
    for missing in sorted(set(flow_ids) - {row.id for row in rows}):
        _found(None, missing)
    return rows


def reorder(ctx: Context, *, actor: Actor, flow_ids: Sequence[int]) -> list[FlowDetail]:
    """
    Set the order in which flows are tried (R31).

    :param flow_ids: ids of all flows, the first to try in front
    :raises ConflictError: the list does not name every flow once: somebody added or deleted one
    """
    require_editor(ctx, actor)
    rows = {row.id: row for row in queries.flows(ctx.session)}
    if sorted(flow_ids) != sorted(rows):
        raise ConflictError(
            "A flow was added or deleted in the meantime. Reload the list and order it again."
        )
    before = [row.name for row in rows.values()]
    for priority, flow_id in enumerate(flow_ids, start=1):
        rows[flow_id].priority = priority
    after = [rows[flow_id].name for flow_id in flow_ids]
    if before != after:
        audit.record(
            ctx, actor=actor, tag=EventTag.FLOW_ORDERED, subject="flow:*", before=before, after=after
        )
    # The list below reads the new order back.
    ctx.session.flush()
    return list_flows(ctx, actor=actor)


def revisions(ctx: Context, *, actor: Actor, flow_id: int) -> list[FlowRevision]:
    """What a flow was, newest first."""
    del actor
    rows = queries.revisions(ctx.session, flow_id)
    if not rows:
        raise NotFoundError("There was never a flow %(flow_id)s.", flow_id=flow_id)
    return rows


def _require_free_name(ctx: Context, name: str, own_id: int | None) -> None:
    other = queries.flow_by_name(ctx.session, name)
    if name.casefold() == DEFAULT_FLOW or (other is not None and other.id != own_id):
        raise ConflictError("There is a flow named %(name)r already; choose another name.", name=name)


def _write(ctx: Context, row: Flow, spec: FlowSpec, *, actor: Actor) -> None:
    row.name, row.kind, row.enabled = spec.name, spec.kind, spec.enabled
    row.spec_json = flow_to_dict(spec)
    row.revision += 1
    row.updated_at = ctx.clock()
    row.updated_by_id, row.updated_by_name = actor.id, actor.name
    _keep_revision(ctx, row, actor=actor, tag=EventTag.FLOW_CHANGED)


def _keep_revision(ctx: Context, row: Flow, *, actor: Actor, tag: EventTag) -> None:
    ctx.session.add(
        FlowRevision(
            flow_id=row.id,
            revision=row.revision,
            spec_json=row.spec_json,
            made_at=ctx.clock(),
            **stamp(actor, "made"),
        )
    )
    audit.record(
        ctx, actor=actor, tag=tag, subject=f"flow:{row.id}", revision=row.revision, flow=row.spec_json
    )
