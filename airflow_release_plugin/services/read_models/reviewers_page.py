"""Who is eligible to approve through what, and deputies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.flow.flow import StepSpec
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.models import Deputy
from airflow_release_plugin.services.approvals import deputies, flow_admin
from airflow_release_plugin.services.approvals.flow_admin import FlowDetail, StepPeople
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class ReviewersDetail:
    """
    Who may approve where.

    :param flows: those that are on, each with its steps: what is asked, and the people who can approve
    :param deputies: those that the actor may see
    :param active: those of them whose time is now
    :param people: everybody who could be named, by name
    """

    flows: list[tuple[FlowDetail, list[tuple[StepSpec, StepPeople]]]]
    deputies: list[Deputy]
    active: list[Deputy]
    people: list[Person]
    is_admin: bool
    now: datetime


def get_reviewers(ctx: Context, *, actor: Actor) -> ReviewersDetail:
    """Everybody may see the rules; deputies see who they are, admins see all."""
    now = ctx.clock()
    named = deputies.list_deputies(ctx, actor=actor)
    return ReviewersDetail(
        flows=[
            (flow, _steps(ctx, flow)) for flow in flow_admin.list_flows(ctx, actor=actor) if flow.spec.enabled
        ],
        deputies=named,
        active=[row for row in named if row.starts_at <= now < row.ends_at],
        people=sorted(ctx.airflow.access.people(), key=lambda person: person.name),
        is_admin=access.is_admin(ctx, actor),
        now=now,
    )


def _steps(ctx: Context, flow: FlowDetail) -> list[tuple[StepSpec, StepPeople]]:
    specs = [step for level in flow.spec.levels for step in level.steps]
    return list(zip(specs, flow_admin.people(ctx, flow.spec), strict=True))
