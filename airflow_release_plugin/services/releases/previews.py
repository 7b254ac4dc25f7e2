"""What a release would need and who could approve it, as far as that is known before its check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import RiskFacts
from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.approvals import flows
from airflow_release_plugin.services.approvals.flows import ResolvedFlow
from airflow_release_plugin.services.releases import flow_demands
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk
from airflow_release_plugin.services.versions.contents import build_changes
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class ApprovalPreview:
    """
    What a release would need, as known before its check; ``problem`` if nobody could approve.

    :param per_dag_flows: by DAG id, the flows of releases per_dag_flows, where they are not all the same
    """

    people: tuple[Person, ...]
    flow: str = ""
    level: int = 1
    levels: int = 1
    level_name: str = ""
    problem: str = ""
    per_dag_flows: Mapping[str, str] = field(default_factory=dict)


def preview(
    ctx: Context, *, actor: Actor, submission_ids: Collection[int], at_least_level: int = 1
) -> ApprovalPreview:
    """The flow, its level and the people who could approve a release of these submissions by ``actor``."""
    chosen = submissions.submissions_by_id(ctx.session, submission_ids)
    return preview_for(ctx, chosen, actor=actor, at_least_level=at_least_level)


def preview_for(
    ctx: Context,
    chosen: Sequence[Submission],
    *,
    actor: Actor,
    kind: ReleaseKind = ReleaseKind.PROMOTION,
    at_least_level: int = 1,
    extra: Sequence[TreeChange] = (),
    base: str | None = None,
    read: Callable[[str], bytes] | None = None,
) -> ApprovalPreview:
    """The same for submissions that need not be stored yet; ``base`` and ``read`` if not branch and store."""
    try:
        base = base or ctx.store.ref(environment_ref(ctx.settings.environment))
        changes = build_changes(ctx, chosen, base, extra) if chosen else ()
        facts = risk.draft_facts(ctx, chosen, changes, base, read)
        flow = preliminary_flow(ctx, chosen, facts, actor, at_least_level, kind=kind)
    except InvalidRequestError as error:
        return ApprovalPreview(people=(), problem=error.message)
    return ApprovalPreview(
        people=eligible(flow),
        flow=flow.spec.name,
        level=flow.requirement.level,
        levels=len(flow.spec.levels),
        level_name=flow.requirement.level_name,
        per_dag_flows=flow.per_dag_flows,
    )


def preliminary_flow(
    ctx: Context,
    chosen: Sequence[Submission],
    facts: RiskFacts,
    actor: Actor,
    at_least: int,
    subject: str = Message("this release"),
    kind: ReleaseKind = ReleaseKind.PROMOTION,
) -> ResolvedFlow:
    """
    The flow by what is known before the check; the one that counts is resolved after it.

    :raises InvalidRequestError: nobody could approve, or the flow refuses these versions
    """
    flow = flows.resolve(
        ctx,
        subject=subject,
        excluded={actor.id} | {submission.submitted_by_id for submission in chosen},
        kind=kind,
        facts=facts,
        at_least=at_least,
    )
    if problem := flow_demands.unmet(ctx, flow.spec, chosen):
        raise InvalidRequestError(problem)
    return flow


def eligible(flow: ResolvedFlow) -> tuple[Person, ...]:
    """Everybody who could approve at some step, by name."""
    people = {person.id: person for step in flow.requirement.steps for person in step.eligible}
    return tuple(sorted(people.values(), key=lambda person: person.name))
