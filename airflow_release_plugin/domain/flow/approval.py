"""Approval rules: who may decide on a step, and what the decisions so far add up to. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from airflow_release_plugin.domain.identity import Actor, ActorKind, Person


class Verdict(str, Enum):
    """What somebody decided."""

    APPROVE = "approve"
    REJECT = "reject"


class StepRule(str, Enum):
    """How many of the eligible people must approve."""

    ANY = "any"
    ALL = "all"
    QUORUM = "quorum"


@dataclass(frozen=True)
class Step:
    """
    One step of a requirement.

    :param users: login names of people who may decide; ids do not count, one may equal another's name
    :param roles: names of roles whose holders may decide
    :param quorum: how many approvals rule ``quorum`` needs
    :param including_users: of a quorum, login names of whom one must be among those who approve
    :param including_roles: the same, by role; neither admits anybody by itself
    :param beside_previous: waits at the same time as the step before it
    :param only: login names that narrow the above; it never admits anybody by itself
    :param escalate_after_hours: hours after which the further group below may decide too
    :param eligible: the people found when the approval opened; a record, and the basis of rule ``all``
    """

    name: str
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: StepRule = StepRule.ANY
    quorum: int = 1
    including_users: tuple[str, ...] = ()
    including_roles: tuple[str, ...] = ()
    beside_previous: bool = False
    only: tuple[str, ...] = ()
    escalate_after_hours: float | None = None
    escalate_users: tuple[str, ...] = ()
    escalate_roles: tuple[str, ...] = ()
    eligible: tuple[Person, ...] = ()

    def admits(self, person: Actor | Person) -> bool:
        """Whether somebody is named here, by login name or a role held now; nobody is if nothing is named."""
        return self._is_named(person, self.users, self.roles)

    def lets_decide(self, person: Actor | Person, *, escalated: bool) -> bool:
        """
        Whether somebody's verdict counts here.

        Under rule ``all``, who holds the role only by now cannot stand in for somebody who was asked.

        :param escalated: whether the step has opened to its further group
        """
        if escalated and self._is_named(person, self.escalate_users, self.escalate_roles):
            return True
        was_asked = self.rule is not StepRule.ALL or any(person.id == asked.id for asked in self.eligible)
        return was_asked and self.admits(person)

    def _is_named(self, person: Actor | Person, users: Sequence[str], roles: Sequence[str]) -> bool:
        if self.only and person.name not in self.only:
            return False
        return person.name in users or not person.roles.isdisjoint(roles)

    @property
    def including(self) -> tuple[str, ...]:
        """Names of people and roles of whom one must be among a quorum; empty where anybody will do."""
        return (*self.including_users, *self.including_roles)

    def must_include(self, person: Actor | Person) -> bool:
        """Whether somebody is one of those of whom one must be among a quorum."""
        return self._is_named(person, self.including_users, self.including_roles)

    def escalates_at(self, opened_at: datetime) -> datetime | None:
        """When the step opens to its further group, if it was reached at ``opened_at``."""
        hours = self.escalate_after_hours
        return None if hours is None else opened_at + timedelta(hours=hours)

    @property
    def needed(self) -> int:
        """Number of approvals that complete the step; at least one, so that an empty set never approves."""
        if self.rule is StepRule.ALL:
            return max(1, len(self.eligible))
        return max(1, self.quorum) if self.rule is StepRule.QUORUM else 1

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored with the approval."""
        return {
            **vars(self),
            "users": list(self.users),
            "roles": list(self.roles),
            "rule": self.rule.value,
            "including_users": list(self.including_users),
            "including_roles": list(self.including_roles),
            "only": list(self.only),
            "escalate_users": list(self.escalate_users),
            "escalate_roles": list(self.escalate_roles),
            "eligible": [{"id": p.id, "name": p.name, "roles": sorted(p.roles)} for p in self.eligible],
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Step:
        """Inverse of :meth:`to_dict`."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        values["rule"] = StepRule(raw["rule"])
        values["eligible"] = tuple(Person(p["id"], p["name"], frozenset(p["roles"])) for p in raw["eligible"])
        return cls(**values)


@dataclass(frozen=True)
class Requirement:
    """
    What was needed when the approval opened; a later change of the flow does not rewrite it.

    :param flow: name of the flow
    :param level: number of the risk level, from 1
    :param raised_from: the flow's own level, if people raised it
    :param excluded: ids of people who may not decide: requester, submitters, importer
    :param counts_twice: whether one person's approvals count on several steps
    """

    flow: str
    flow_revision: int
    level: int
    steps: tuple[Step, ...]
    excluded: tuple[str, ...] = ()
    level_name: str = ""
    raised_from: int | None = None
    counts_twice: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored with the approval."""
        return {
            **vars(self),
            "steps": [step.to_dict() for step in self.steps],
            "excluded": list(self.excluded),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Requirement:
        """Inverse of :meth:`to_dict`."""
        steps = tuple(Step.from_dict(step) for step in raw["steps"])
        return cls(**{**raw, "steps": steps, "excluded": tuple(raw["excluded"])})


@dataclass(frozen=True)
class CountedDecision:
    """
    A decision as the rules see it.

    :param place_of: id of the person whose place the actor took; the actor's own otherwise
    :param name: login name of the person whose place it takes
    :param roles: the roles that this person held then
    """

    step: int
    actor_id: str
    verdict: Verdict
    decided_at: datetime | None = None
    place_of: str = ""
    name: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Id of the person whose place the decision takes."""
        return self.place_of or self.actor_id

    @property
    def person(self) -> Person:
        """The person whose place the decision takes, as they were then."""
        return Person(self.place, self.name, self.roles)

    @property
    def people(self) -> frozenset[str]:
        """Ids that the decision uses up: the actor, and the person whose place was taken."""
        return frozenset({self.actor_id, self.place})


@dataclass(frozen=True)
class Progress:
    """
    What decisions add up to.

    :param waiting: indices of the steps that wait, side by side; empty when complete or rejected
    :param approvals: distinct approvals by step, as far as steps were reached
    """

    approved: bool
    rejected: bool
    waiting: tuple[int, ...] = ()
    approvals: tuple[int, ...] = field(default_factory=tuple)

    @property
    def current_step(self) -> int | None:
        """The first step that waits; ``None`` when complete or rejected."""
        return self.waiting[0] if self.waiting else None


class _Placed(Protocol):
    @property
    def beside_previous(self) -> bool: ...


def stages(steps: Sequence[_Placed]) -> list[list[int]]:
    """Indices of the steps that wait at the same time, in the order in which they do."""
    found: list[list[int]] = []
    for index, step in enumerate(steps):
        if found and step.beside_previous:
            found[-1].append(index)
        else:
            found.append([index])
    return found


def evaluate(requirement: Requirement, decisions: Sequence[CountedDecision]) -> Progress:
    """
    Add up ``decisions``: steps complete in order, those side by side in any; one person counts once over all
    steps unless the flow says otherwise, a rejection ends it.

    A requirement without steps is never approved.
    """
    if any(decision.verdict is Verdict.REJECT for decision in decisions):
        return Progress(approved=False, rejected=True)
    used: set[str] = set(requirement.excluded)
    approvals: list[int] = []
    for stage in stages(requirement.steps):
        waiting = []
        for index in stage:
            step = requirement.steps[index]
            counting = _counting(step, [d for d in decisions if d.step == index], used)
            if requirement.counts_twice:
                used = set(requirement.excluded)
            approvals.append(len(counting))
            if len(counting) < step.needed or lacks_a_member(step, counting):
                waiting.append(index)
        if waiting:
            return Progress(False, False, waiting=tuple(waiting), approvals=tuple(approvals))
    return Progress(approved=bool(requirement.steps), rejected=False, approvals=tuple(approvals))


def lacks_a_member(step: Step, decisions: Iterable[CountedDecision]) -> bool:
    """Whether a step demands somebody among its quorum who is not behind any of its decisions."""
    return bool(step.including) and not any(step.must_include(d.person) for d in decisions)


def _counting(step: Step, decisions: Sequence[CountedDecision], used: set[str]) -> list[CountedDecision]:
    """Those of a step's decisions that count; the people behind them are added to ``used``."""
    counting = []
    # In an order of their own, so that the sum does not depend on the order in which people decided.
    for decision in sorted(decisions, key=lambda d: (bool(d.place_of), d.actor_id)):
        if _is_asked(step, decision) and used.isdisjoint(decision.people):
            used |= decision.people
            counting.append(decision)
    return counting


def _is_asked(step: Step, decision: CountedDecision) -> bool:
    """Whether rule ``all`` asked for this decision; of a step that escalates, who may decide then did."""
    if step.rule is not StepRule.ALL or step.escalate_after_hours is not None:
        return True
    return any(decision.place == person.id for person in step.eligible)


def step_opened_at(
    steps: Sequence[Step], decisions: Sequence[CountedDecision], opened_at: datetime, step: int
) -> datetime:
    """When step number ``step`` was reached: with the last decision of those before it."""
    reached = stages(steps)
    at = next(number for number, stage in enumerate(reached) if step in stage)
    before = reached[at - 1] if at else []
    moments = [d.decided_at for d in decisions if d.step in before and d.decided_at is not None]
    return max(moments, default=opened_at)


@dataclass(frozen=True)
class DecisionCapacity:
    """
    Who somebody can decide as: themselves, or in the place of the people who made them deputy.

    :param on_behalf_of: those people, with the roles that they hold now
    """

    actor: Actor
    on_behalf_of: tuple[Person, ...] = ()


def place_to_decide(
    requirement: Requirement,
    step: int,
    capacity: DecisionCapacity,
    decisions: Sequence[CountedDecision],
    *,
    escalated: bool = False,
) -> Actor | Person | None:
    """
    In whose place somebody may decide on step number ``step`` now: their own first; ``None`` for nobody's.

    Who is excluded cannot be stood in for: a deputy must not be a way to approve one's own.
    """
    actor = capacity.actor
    if actor.kind is not ActorKind.USER or actor.id in requirement.excluded:
        return None
    if not 0 <= step < len(requirement.steps):
        return None
    counted = [d for d in decisions if d.step == step] if requirement.counts_twice else decisions
    used = {person for decision in counted for person in decision.people} | set(requirement.excluded)
    if actor.id in used:
        return None
    rule = requirement.steps[step]
    given = [d for d in decisions if d.step == step]
    # The last seat of a quorum is kept for whoever must be among it.
    is_kept = len(given) + 1 >= rule.needed and lacks_a_member(rule, given)
    possible: tuple[Actor | Person, ...] = (actor, *(p for p in capacity.on_behalf_of if p.id not in used))
    return next(
        (
            person
            for person in possible
            if rule.lets_decide(person, escalated=escalated) and (not is_kept or rule.must_include(person))
        ),
        None,
    )


def is_past(moment: datetime | None, now: datetime) -> bool:
    """Whether a validity window that ends at ``moment`` is over; an open end never is."""
    return moment is not None and now >= moment
