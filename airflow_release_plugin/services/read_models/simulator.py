"""Which flow would apply: to a DAG as it is in the source, or to a past release."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.flow.approval import Step
from airflow_release_plugin.domain.flow.feasibility import unmet_steps
from airflow_release_plugin.domain.flow.matching import FlowTrial, flows_apart
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts
from airflow_release_plugin.exceptions import NotFoundError, ReleaseError
from airflow_release_plugin.repositories import submissions
from airflow_release_plugin.services.approvals import flows
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk


@dataclass(frozen=True)
class Simulation:
    """
    What would happen.

    :param trials: every flow, in the order in which it is tried, and what became of it
    :param applies: the one that applies
    :param unmet: steps that the people there are could not complete
    :param per_dag_flows: by DAG id, the flows of releases per_dag_flows, where they are not all the same
    """

    kind: ReleaseKind
    facts: RiskFacts
    trials: tuple[FlowTrial, ...]
    applies: FlowTrial
    steps: tuple[Step, ...]
    unmet: tuple[Step, ...]
    per_dag_flows: Mapping[str, str]


@dataclass(frozen=True)
class DagQuestion:
    """A change of one DAG that somebody asks about; see :func:`of_dag`."""

    dag_id: str
    kind: ReleaseKind = ReleaseKind.PROMOTION
    changes: Collection[ChangeFact] = (ChangeFact.MODIFIED,)
    lines: int = 0
    at_least: int = 1


@dataclass(frozen=True)
class SimulatorDetail:
    """
    What the page of the simulator shows.

    :param found: ``None`` as long as nothing was asked, or for ``problem``
    :param problem: why there is no answer; empty if there is
    :param dags: ids of the DAGs that the actor may ask about, sorted
    """

    found: Simulation | None
    problem: str
    dags: list[str]


def get_simulator(
    ctx: Context, *, actor: Actor, dag: DagQuestion | None = None, release_id: int | None = None
) -> SimulatorDetail:
    """The answer about a DAG or a past release, if one is asked about, and what can be asked about."""
    found, problem = None, ""
    try:
        if release_id is not None:
            found = of_release(ctx, actor=actor, release_id=release_id)
        elif dag is not None:
            found = of_dag(
                ctx,
                actor=actor,
                dag_id=dag.dag_id,
                kind=dag.kind,
                changes=dag.changes,
                lines=dag.lines,
                at_least=dag.at_least,
            )
    except ReleaseError as error:
        problem = error.message
    return SimulatorDetail(found, problem, known_dags(ctx, actor=actor))


def of_dag(
    ctx: Context,
    *,
    actor: Actor,
    dag_id: str,
    kind: ReleaseKind = ReleaseKind.PROMOTION,
    changes: Collection[ChangeFact] = (ChangeFact.MODIFIED,),
    lines: int = 0,
    at_least: int = 1,
) -> Simulation:
    """
    What a change of one DAG would need.

    :param dag_id: id in the target, or of the source's copy
    :raises NotFoundError: the actor may not read the DAG, or there is none
    """
    target_id = ctx.settings.target_id(dag_id)
    if not access.may_read(ctx, actor, [target_id]):
        raise NotFoundError("There is no Dag %(dag_id)r that you may see.", dag_id=dag_id)
    serving = ctx.airflow.serving
    found = (serving.dag(ctx.settings.source_id(target_id)), serving.dag(target_id))
    known = [dag for dag in found if dag is not None]
    if not known:
        raise NotFoundError(
            "Airflow knows no Dag %(dag_id)r, neither in the source nor in the target.", dag_id=dag_id
        )
    subject = DagSubject(
        target_id,
        tags=frozenset(tag for dag in known for tag in dag.tags),
        owners=frozenset(owner for dag in known for owner in dag.owners),
        source=ctx.settings.source,
    )
    facts = RiskFacts(dags=(subject,), changes=frozenset(changes), lines=lines)
    return _simulate(ctx, kind, facts, at_least, excluded={actor.id})


def of_release(ctx: Context, *, actor: Actor, release_id: int) -> Simulation:
    """What a past release would need today."""
    release = releases.get(ctx, actor=actor, release_id=release_id)
    excluded = {release.requested_by_id} | {item.submission.submitted_by_id for item in release.items}
    return _simulate(ctx, release.kind, risk.recorded_facts(ctx, release), release.at_least_level, excluded)


def known_dags(ctx: Context, *, actor: Actor) -> list[str]:
    """Ids of the DAGs that the actor may simulate, sorted."""
    units = submissions.units(ctx.session, ctx.settings.source)
    facts = ctx.airflow.source.facts(ctx.settings.source)
    names = {dag_id for unit in units for dag_id in unit.dag_ids}
    names |= {ctx.settings.target_id(dag.dag_id) for dags in facts.values() for dag in dags}
    readable = ctx.airflow.access.readable(actor, access.both_ids(ctx, names))
    everything = access.is_executor(ctx, actor)
    return sorted(n for n in names if everything or not readable.isdisjoint(access.both_ids(ctx, [n])))


def _simulate(
    ctx: Context, kind: ReleaseKind, facts: RiskFacts, at_least: int, excluded: Collection[str]
) -> Simulation:
    applies, trials, _ = flows.try_flows(ctx, kind=kind, facts=facts, at_least=at_least)
    level = applies.flow.levels[(applies.level or 1) - 1]
    steps = tuple(flows.people_for(ctx, step, excluded=excluded) for step in level.steps)
    unmet = tuple(unmet_steps(steps, counts_twice=applies.flow.counts_twice))
    per_dag_flows = flows_apart(trials, kind=kind, facts=facts)
    return Simulation(kind, facts, trials, applies, steps, unmet, per_dag_flows)
