"""Whether the people there are can complete the steps of a level."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.flow.approval import Step


@dataclass(frozen=True)
class Demand:
    """So many different people of these are wanted; for which step, by its index."""

    step: int
    people: tuple[str, ...]
    count: int


def unmet_steps(steps: Sequence[Step], *, counts_twice: bool = False) -> list[Step]:
    """
    The steps that cannot be completed by their eligible people, who count once over all steps.

    Each step needs :attr:`Step.needed` different people, one of them of those who must be among them.
    """
    wanted = [demands(index, step) for index, step in enumerate(steps)]
    if counts_twice:
        unmet = {index for index, each in enumerate(wanted) if unmet_demands(each)}
    else:
        unmet = {demand.step for demand in unmet_demands([one for each in wanted for one in each])}
    return [step for index, step in enumerate(steps) if index in unmet]


def demands(index: int, step: Step) -> list[Demand]:
    """What a step asks of its eligible people: whoever must be among a quorum takes one of its seats."""
    everybody = tuple(dict.fromkeys(person.id for person in step.eligible))
    if not step.including:
        return [Demand(index, everybody, step.needed)]
    members = tuple(dict.fromkeys(person.id for person in step.eligible if step.must_include(person)))
    return [Demand(index, members, 1), Demand(index, everybody, step.needed - 1)]


def unmet_demands(wanted: Sequence[Demand]) -> list[Demand]:
    """
    The demands that cannot be met when nobody meets two.

    Finding the people is a bipartite matching, done by augmenting paths; breadth first, since a role may have
    thousands of holders.
    """
    eligible = [demand.people for demand in wanted]
    demand_of: dict[str, int] = {}
    unmet = []
    for index, demand in enumerate(wanted):
        enough = demand.count <= len(demand.people)
        if not enough or not all(_take(index, eligible, demand_of) for _ in range(demand.count)):
            unmet.append(demand)
    return unmet


def _take(index: int, eligible: Sequence[Sequence[str]], demand_of: dict[str, int]) -> bool:
    """Find one more person for a demand, moving people between demands where that helps."""
    came_from: dict[int, tuple[int, str]] = {}
    pending = deque([index])
    while pending:
        demand = pending.popleft()
        free = next((person for person in eligible[demand] if person not in demand_of), None)
        if free is not None:
            # The free one comes here, who was borrowed from here goes on to where they were wanted.
            demand_of[free] = demand
            while demand != index:
                demand, moved = came_from[demand]
                demand_of[moved] = demand
            return True
        for person in eligible[demand]:
            holder = demand_of[person]
            if holder != index and holder not in came_from:
                came_from[holder] = (demand, person)
                pending.append(holder)
    return False
