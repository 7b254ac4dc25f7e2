"""Which flow applies, at which level, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import RiskFacts


class Outcome(str, Enum):
    """What became of a flow in a match."""

    APPLIES = "applies"
    DISABLED = "disabled"
    OTHER_KIND = "other_kind"
    OUT_OF_SCOPE = "out_of_scope"
    LOWER_PRIORITY = "lower_priority"


@dataclass(frozen=True)
class FlowTrial:
    """
    One flow in a match.

    :param level: from 1; set for the flow that applies
    :param raised_from: the flow's own level, if people raised it
    """

    flow: FlowSpec
    outcome: Outcome
    level: int | None = None
    raised_from: int | None = None


def match_flows(
    flows: Sequence[FlowSpec], *, kind: ReleaseKind, facts: RiskFacts, at_least: int = 1
) -> list[FlowTrial]:
    """
    Try ``flows`` in their order, highest priority first; the first enabled one of the kind and scope applies.

    :param at_least: people may raise the level, never lower it; beyond the flow's highest means the highest
    """
    trials: list[FlowTrial] = []
    is_decided = False
    for flow in flows:
        outcome = _outcome(flow, kind, facts)
        if outcome is not Outcome.APPLIES:
            trials.append(FlowTrial(flow, outcome))
        elif is_decided:
            trials.append(FlowTrial(flow, Outcome.LOWER_PRIORITY))
        else:
            is_decided = True
            own = flow.level_for(facts)
            level = min(max(own, at_least), len(flow.levels))
            trials.append(FlowTrial(flow, outcome, level, raised_from=own if level > own else None))
    return trials


def flows_apart(trials: Sequence[FlowTrial], *, kind: ReleaseKind, facts: RiskFacts) -> dict[str, str]:
    """
    The flow that each DAG would fall under alone, by DAG id; empty when it is the same for all.

    That is each DAG which a release changes, named or not.

    The release itself falls under the one of them that is tried first.

    :param trials: every flow, in the order in which it is tried
    """
    flow_names: dict[str, str] = {}
    for dag in facts.every_dag:
        alone = replace(facts, dags=(dag,), also_changed=())
        names = (t.flow.name for t in trials if _outcome(t.flow, kind, alone) is Outcome.APPLIES)
        flow_names[dag.dag_id] = next(names)
    return flow_names if len(set(flow_names.values())) > 1 else {}


def _outcome(flow: FlowSpec, kind: ReleaseKind, facts: RiskFacts) -> Outcome:
    if flow.kind is not kind:
        return Outcome.OTHER_KIND
    if not flow.enabled:
        return Outcome.DISABLED
    return Outcome.APPLIES if flow.scope.covers(facts.every_dag) else Outcome.OUT_OF_SCOPE
