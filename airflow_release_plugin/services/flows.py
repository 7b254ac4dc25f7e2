"""Which agreement something needs. The built-in default flow has one node: the configured roles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow_release_plugin.domain.approval import Node, Requirement
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.context import Context

DEFAULT_FLOW = "default"
DEFAULT_FLOW_REVISION = 1


@dataclass(frozen=True)
class ResolvedFlow:
    """A requirement with the windows of its flow, in hours."""

    requirement: Requirement
    approval_hours: float
    execution_hours: int


def eligible(ctx: Context, node: Node, excluded: Collection[str]) -> tuple[Person, ...]:
    """People known to the auth manager who may decide on the node; by name."""
    services = ctx.settings.service_users
    return tuple(
        sorted(
            (
                person
                for person in ctx.airflow.access.people()
                if person.id not in excluded
                and person.name not in services
                and node.admits(Actor(person.id, person.name, person.roles))
            ),
            key=lambda person: person.name,
        )
    )


def resolve(
    ctx: Context, *, subject: str, excluded: Collection[str], only: Collection[str] = ()
) -> ResolvedFlow:
    """
    The requirement of the default flow, with the people who can meet it now.

    :param subject: what needs agreement, for the error message
    :param excluded: ids of people who may not decide
    :param only: ids or login names that narrow who may
    :raises InvalidRequestError: nobody could approve
    """
    roles = tuple(sorted(ctx.settings.default_flow_roles))
    open_node = Node(name="Release approval", roles=roles, only=tuple(sorted(only)))
    people = eligible(ctx, open_node, excluded)
    if not people:
        narrowed = f" among {', '.join(sorted(only))}" if only else ""
        raise InvalidRequestError(
            f"Nobody{narrowed} could approve {subject}: the default flow asks for one of the roles "
            f"{', '.join(roles) or '(none)'}, and whoever requested or submitted it is excluded. "
            "Give the role to another person, or set [release] default_flow_roles."
        )
    node = Node(name=open_node.name, roles=roles, only=open_node.only, eligible=people)
    requirement = Requirement(
        flow=DEFAULT_FLOW,
        flow_revision=DEFAULT_FLOW_REVISION,
        level=1,
        nodes=(node,),
        excluded=tuple(sorted(set(excluded))),
    )
    return ResolvedFlow(requirement, ctx.settings.approval_hours, ctx.settings.execution_hours)
