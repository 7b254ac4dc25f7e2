"""Whether the people there are can complete the steps of a level."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from airflow_release_plugin.domain.flow.approval import Step


def unmet_steps(steps: Sequence[Step], *, counts_twice: bool = False) -> list[Step]:
    """
    The steps that cannot be completed by their eligible people, who count once over all steps.

    Each step needs :attr:`Step.needed` different people. Finding them is a bipartite matching, done by
    augmenting paths; breadth first, since a role may have thousands of holders.
    """
    eligible = [list(dict.fromkeys(person.id for person in step.eligible)) for step in steps]
    if counts_twice:
        return [step for step, ids in zip(steps, eligible, strict=True) if len(ids) < step.needed]
    step_of: dict[str, int] = {}
    unmet = []
    for index, step in enumerate(steps):
        enough = step.needed <= len(eligible[index])
        if not enough or not all(_take(index, eligible, step_of) for _ in range(step.needed)):
            unmet.append(step)
    return unmet


def _take(index: int, eligible: Sequence[Sequence[str]], step_of: dict[str, int]) -> bool:
    """Find one more person for a step, moving people between steps where that helps."""
    came_from: dict[int, tuple[int, str]] = {}
    pending = deque([index])
    while pending:
        step = pending.popleft()
        free = next((person for person in eligible[step] if person not in step_of), None)
        if free is not None:
            # The free one comes here, who was borrowed from here goes on to where they were wanted.
            step_of[free] = step
            while step != index:
                step, moved = came_from[step]
                step_of[moved] = step
            return True
        for person in eligible[step]:
            holder = step_of[person]
            if holder != index and holder not in came_from:
                came_from[holder] = (step, person)
                pending.append(holder)
    return False
