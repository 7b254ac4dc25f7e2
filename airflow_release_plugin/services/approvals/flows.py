"""Which agreement something needs: the flow that applies, its level, its steps and their people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_release_plugin.domain.flow.approval import Requirement, Step
from airflow_release_plugin.domain.flow.feasibility import unmet_steps
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, StepSpec, Validity
from airflow_release_plugin.domain.flow.matching import FlowTrial, Outcome, flows_apart, match_flows
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import RiskFacts
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.models import Flow
from airflow_release_plugin.repositories import flows as queries
from airflow_release_plugin.services.runtime.context import Context

DEFAULT_FLOW = "default"
NOBODY = Message("nobody")
"""Said where names of people would stand."""


@dataclass(frozen=True)
class ResolvedFlow:
    """
    The flow that applies to something, with the requirement made of it.

    :param flow_id: ``None`` for the built-in one
    :param trials: every flow, in order, and what became of it
    :param per_dag_flows: by DAG id, the flows of releases per_dag_flows, where they are not all the same
    """

    spec: FlowSpec
    flow_id: int | None
    requirement: Requirement
    trials: tuple[FlowTrial, ...] = field(default_factory=tuple)
    per_dag_flows: Mapping[str, str] = field(default_factory=dict)


def default_flow(ctx: Context, kind: ReleaseKind) -> FlowSpec:
    """The built-in flow, tried after all others; made of the configuration, so it cannot be deleted."""
    settings = ctx.settings
    roles = tuple(sorted(settings.default_flow_roles))
    title = "Sign-off" if kind is ReleaseKind.GATE else "Release approval"
    return FlowSpec(
        name=DEFAULT_FLOW,
        kind=kind,
        levels=(Level(name="Standard", steps=(StepSpec(name=title, roles=roles),)),),
        validity=Validity(approval=settings.approval_hours, wait=settings.execution_hours),
        break_glass_roles=tuple(sorted(settings.admin_roles)),
        break_glass_confirm_minutes=settings.break_glass_confirm_minutes or None,
    )


def people_for(
    ctx: Context, step: StepSpec, *, excluded: Collection[str] = (), only: Collection[str] = ()
) -> Step:
    """A step with the people known to the auth manager who may decide on it now, by name."""
    bare = Step(
        name=step.name,
        users=step.users,
        roles=step.roles,
        rule=step.rule,
        quorum=step.quorum,
        including_users=step.including_users,
        including_roles=step.including_roles,
        beside_previous=step.beside_previous,
        only=tuple(sorted(only)),
        escalate_after_hours=step.escalate_after_hours,
        escalate_users=step.escalate_users,
        escalate_roles=step.escalate_roles,
    )
    known = (
        person
        for person in ctx.airflow.access.people()
        if person.id not in excluded and person.name not in ctx.settings.service_users and bare.admits(person)
    )
    people = tuple(sorted(known, key=lambda person: person.name))
    return replace(bare, eligible=people)


def try_flows(
    ctx: Context, *, kind: ReleaseKind, facts: RiskFacts, at_least: int = 1
) -> tuple[FlowTrial, tuple[FlowTrial, ...], Flow | None]:
    """The flow that applies, every flow with what became of it, and the row of the first, if it has one."""
    rows = queries.flows(ctx.session)
    specs = [row.spec for row in rows]
    trials = match_flows([*specs, default_flow(ctx, kind)], kind=kind, facts=facts, at_least=at_least)
    index = next(i for i, trial in enumerate(trials) if trial.outcome is Outcome.APPLIES)
    return trials[index], tuple(trials), rows[index] if index < len(rows) else None


def try_each(ctx: Context, *, kind: ReleaseKind, facts: Sequence[RiskFacts]) -> list[FlowTrial]:
    """The flow that applies to each of several changes, in their order; one query."""
    specs = [*(row.spec for row in queries.flows(ctx.session)), default_flow(ctx, kind)]
    return [
        next(t for t in match_flows(specs, kind=kind, facts=each) if t.outcome is Outcome.APPLIES)
        for each in facts
    ]


def resolve(
    ctx: Context,
    *,
    subject: str,
    excluded: Collection[str],
    kind: ReleaseKind = ReleaseKind.PROMOTION,
    facts: RiskFacts | None = None,
    at_least: int = 1,
    only: Collection[str] = (),
) -> ResolvedFlow:
    """
    The requirement of the flow that applies, with the people who can meet it now.

    :param subject: what needs agreement, for the error message
    :param excluded: ids of people who may not decide
    :param at_least: level that people raised it to
    :param only: login names that narrow who may decide
    :raises InvalidRequestError: the people there are cannot meet it
    """
    facts = facts or RiskFacts(dags=())
    trial, trials, row = try_flows(ctx, kind=kind, facts=facts, at_least=at_least)
    level = trial.level or 1
    chosen = trial.flow.levels[level - 1]
    steps = tuple(people_for(ctx, step, excluded=excluded, only=only) for step in chosen.steps)
    _require_people(ctx, subject, trial.flow, steps, only)
    requirement = Requirement(
        flow=trial.flow.name,
        flow_revision=row.revision if row else 1,
        level=level,
        level_name=chosen.name,
        raised_from=trial.raised_from,
        steps=steps,
        excluded=tuple(sorted(set(excluded))),
        counts_twice=trial.flow.counts_twice,
    )
    apart = flows_apart(trials, kind=kind, facts=facts)
    return ResolvedFlow(trial.flow, row.id if row else None, requirement, trials, apart)


def who_is_known(ctx: Context) -> str:
    """What to say where nobody could approve because nobody is known; empty where people are."""
    if ctx.airflow.access.people():
        return ""
    return Message(
        "Airflow's auth manager lists no people here: set [release] people_provider to a function that does."
    )


def _require_people(
    ctx: Context, subject: str, flow: FlowSpec, steps: Sequence[Step], only: Collection[str]
) -> None:
    unmet = unmet_steps(steps, counts_twice=flow.counts_twice)
    if not unmet:
        return
    step = unmet[0]
    lacking = Message(
        "Nobody could approve %(subject)s: step %(step)r of flow %(flow)r needs %(needed)s "
        "of %(asked)s, and there is %(people)s.",
        subject=subject,
        step=step.name,
        flow=flow.name,
        needed=step.needed,
        asked=_asked(step, only),
        people=[person.name for person in step.eligible] or NOBODY,
    )
    counts = (
        Message("Whoever requested or submitted it is excluded, and one person counts once a step.")
        if flow.counts_twice
        else Message("Whoever requested or submitted it is excluded, and one person counts once.")
    )
    advice = (
        Message("Give the role to another person, or set [release] default_flow_roles.")
        if flow.name == DEFAULT_FLOW
        else Message("Give the role to another person, or edit the flow.")
    )
    raise InvalidRequestError(together(filter(None, [lacking, counts, advice, who_is_known(ctx)])))


def _asked(step: Step, only: Collection[str]) -> str:
    """Who is asked at a step: ``ann, role Ops (one of them of role Lead)``."""
    named = [*step.users, *(Message("role %(role)s", role=role) for role in step.roles)]
    asked = Message("%(named)s", named=named) if named else NOBODY
    if step.including:
        asked = Message(
            "%(asked)s (one of them of %(including)s)", asked=asked, including=list(step.including)
        )
    if only:
        asked = Message("%(asked)s, narrowed to %(only)s", asked=asked, only=sorted(only))
    return asked
