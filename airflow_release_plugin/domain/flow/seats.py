"""At which of the steps that wait somebody's verdict is best counted. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.flow.approval import (
    CountedDecision,
    DecisionCapacity,
    Requirement,
    Verdict,
    evaluate,
    lacks_a_member,
    place_to_decide,
)
from airflow_release_plugin.domain.flow.feasibility import Demand, unmet_demands
from airflow_release_plugin.domain.identity import Actor, Person


@dataclass(frozen=True)
class Seat:
    """Where somebody may decide now: the step, and in whose place."""

    step: int
    place: Actor | Person

    def decision(
        self, actor: Actor, *, verdict: Verdict = Verdict.APPROVE, decided_at: datetime | None = None
    ) -> CountedDecision:
        """The decision that ``actor`` makes here, as the rules see it."""
        return CountedDecision(
            self.step,
            actor.id,
            verdict,
            decided_at,
            place_of="" if self.place.id == actor.id else self.place.id,
            name=self.place.name,
            roles=self.place.roles,
        )


def open_seats(
    requirement: Requirement,
    capacity: DecisionCapacity,
    decisions: Sequence[CountedDecision],
    *,
    escalated: Collection[int] = (),
) -> tuple[Seat, ...]:
    """
    Where somebody may decide now, of the steps that wait side by side; the best first.

    That is where the people who have not decided yet can still complete all the rest: who could decide at two
    steps takes the one that others cannot do without them.

    :param escalated: the steps that have opened to their further groups
    """
    found = []
    for step in evaluate(requirement, decisions).waiting:
        place = place_to_decide(requirement, step, capacity, decisions, escalated=step in escalated)
        if place is not None:
            found.append(Seat(step, place))
    if len(found) > 1 and not requirement.counts_twice:
        found.sort(key=lambda seat: not _leaves_enough(requirement, seat, capacity.actor, decisions))
    return tuple(found)


def _leaves_enough(
    requirement: Requirement, seat: Seat, actor: Actor, decisions: Sequence[CountedDecision]
) -> bool:
    after = [*decisions, seat.decision(actor)]
    gone = {person for decision in after for person in decision.people} | set(requirement.excluded)
    wanted: list[Demand] = []
    for index, step in enumerate(requirement.steps):
        given = [decision for decision in after if decision.step == index]
        left = max(0, step.needed - len(given))
        free = [person for person in step.eligible if person.id not in gone]
        if left and lacks_a_member(step, given):
            left -= 1
            members = tuple(person.id for person in free if step.must_include(person))
            wanted.append(Demand(index, members, 1))
        wanted.append(Demand(index, tuple(person.id for person in free), left))
    return not unmet_demands(wanted)
