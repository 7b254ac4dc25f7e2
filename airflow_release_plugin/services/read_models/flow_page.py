"""Approval flows for people: the list, the page of one, and its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import FlowRevision
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.approvals.flow_admin import FlowDetail, StepPeople
from airflow_release_plugin.services.read_models import flow_decisions
from airflow_release_plugin.services.read_models.flow_decisions import FlowDecision
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class FlowListDetail:
    """All flows in the order in which they are tried, and whether the actor may change them."""

    flows: list[FlowDetail]
    may_edit: bool


@dataclass(frozen=True)
class FlowPeopleDetail:
    """A flow with the people who can approve at each step."""

    flow: FlowDetail
    people: list[StepPeople]


@dataclass(frozen=True)
class FlowPageDetail:
    """
    Everything that the page of a flow shows.

    :param revisions: what it was, newest first; the built-in one has none
    :param decided: what people decided lately under it, newest first
    """

    flow: FlowDetail
    people: list[StepPeople]
    revisions: list[FlowRevision]
    decided: list[FlowDecision]
    may_edit: bool


@dataclass(frozen=True)
class DraftDetail:
    """
    What a flow that is not saved yet would be.

    :param flow: ``None`` if it cannot be one
    :param refusal: why, problem by problem
    """

    flow: FlowDetail | None = None
    refusal: InvalidRequestError | None = None


@dataclass(frozen=True)
class FlowFormDetail:
    """What the form of a flow shows; ``people`` are all whom it could name, by name."""

    draft: DraftDetail
    people: list[Person]


@dataclass(frozen=True)
class SavedFormDetail(FlowFormDetail):
    """The same for a flow that is kept."""

    flow: FlowDetail


def get_flows(ctx: Context, *, actor: Actor) -> FlowListDetail:
    """The list; everybody may see the rules."""
    flows = flow_admin.list_flows(ctx, actor=actor)
    return FlowListDetail(flows, flow_admin.may_edit(ctx, actor))


def get_flow(ctx: Context, *, actor: Actor, flow_id: int) -> FlowPeopleDetail:
    """A flow by id, with its people. Raises ``NotFoundError``."""
    return with_people(ctx, flow_admin.get(ctx, actor=actor, flow_id=flow_id))


def get_unsaved(ctx: Context, *, actor: Actor, raw: dict[str, Any]) -> FlowPeopleDetail:
    """A flow that is not saved yet, with its people. Raises what :func:`flow_admin.preview` raises."""
    return with_people(ctx, flow_admin.preview(ctx, actor=actor, raw=raw))


def get_flow_page(ctx: Context, *, actor: Actor, flow_id: int) -> FlowPageDetail:
    """The page of a flow. Raises ``NotFoundError``."""
    flow = flow_admin.get(ctx, actor=actor, flow_id=flow_id)
    revisions = flow_admin.revisions(ctx, actor=actor, flow_id=flow_id)
    return _page(ctx, flow, revisions, actor=actor)


def get_builtin_page(ctx: Context, *, actor: Actor) -> FlowPageDetail:
    """The page of the flow that is tried after all others."""
    return _page(ctx, flow_admin.list_flows(ctx, actor=actor)[-1], [], actor=actor)


def get_form(ctx: Context, *, actor: Actor, raw: dict[str, Any] | None) -> FlowFormDetail:
    """
    The form with what was typed.

    :param raw: ``None`` if it cannot be read
    :raises NotAllowedError: the actor may not change flows
    """
    return FlowFormDetail(get_draft(ctx, actor=actor, raw=raw), _people(ctx))


def get_form_of(ctx: Context, *, actor: Actor, flow_id: int) -> SavedFormDetail:
    """
    The form with the content of a flow.

    :raises NotAllowedError: the actor may not change flows
    """
    flow_admin.require_editor(ctx, actor)
    flow = flow_admin.get(ctx, actor=actor, flow_id=flow_id)
    draft = get_draft(ctx, actor=actor, raw=flow_to_dict(flow.spec))
    return SavedFormDetail(draft, _people(ctx), flow)


def _people(ctx: Context) -> list[Person]:
    return sorted(ctx.airflow.access.people(), key=lambda person: person.name)


def get_draft(ctx: Context, *, actor: Actor, raw: dict[str, Any] | None) -> DraftDetail:
    """
    What was typed so far.

    :param raw: ``None`` if it cannot be read
    :raises NotAllowedError: the actor may not change flows
    """
    flow_admin.require_editor(ctx, actor)
    if raw is None:
        return DraftDetail()
    try:
        return DraftDetail(flow_admin.preview(ctx, actor=actor, raw=raw))
    except InvalidRequestError as error:
        return DraftDetail(refusal=error)


def with_people(ctx: Context, flow: FlowDetail) -> FlowPeopleDetail:
    """A flow with its people; everybody may see who they are."""
    return FlowPeopleDetail(flow, flow_admin.people(ctx, flow.spec))


def _page(ctx: Context, flow: FlowDetail, revisions: list[FlowRevision], *, actor: Actor) -> FlowPageDetail:
    return FlowPageDetail(
        flow,
        flow_admin.people(ctx, flow.spec),
        revisions,
        flow_decisions.decided_lately(ctx, actor=actor, flow_id=flow.id),
        flow_admin.may_edit(ctx, actor),
    )
