"""Approval rules: who may decide on a step, and what the decisions so far add up to. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

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
    :param only: login names that narrow the above; it never admits anybody by itself
    :param escalate_after_hours: hours after which the further group below may decide too
    :param eligible: the people found when the approval opened; a record, and the basis of rule ``all``
    """

    name: str
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: StepRule = StepRule.ANY
    quorum: int = 1
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
    """

    step: int
    actor_id: str
    verdict: Verdict
    decided_at: datetime | None = None
    place_of: str = ""

    @property
    def place(self) -> str:
        """Id of the person whose place the decision takes."""
        return self.place_of or self.actor_id

    @property
    def people(self) -> frozenset[str]:
        """Ids that the decision uses up: the actor, and the person whose place was taken."""
        return frozenset({self.actor_id, self.place})


@dataclass(frozen=True)
class Progress:
    """
    What decisions add up to.

    :param current_step: index of the step that is waiting, ``None`` when complete or rejected
    :param approvals: distinct approvals by step
    """

    approved: bool
    rejected: bool
    current_step: int | None
    approvals: tuple[int, ...] = field(default_factory=tuple)


def evaluate(requirement: Requirement, decisions: Sequence[CountedDecision]) -> Progress:
    """
    Add up ``decisions``: steps complete in order, one person counts once over all steps unless the flow says
    otherwise, a rejection ends it.

    A requirement without steps is never approved.
    """
    if any(decision.verdict is Verdict.REJECT for decision in decisions):
        return Progress(approved=False, rejected=True, current_step=None)
    used: set[str] = set(requirement.excluded)
    approvals: list[int] = []
    for index, step in enumerate(requirement.steps):
        count = _count(step, [d for d in decisions if d.step == index], used)
        if requirement.counts_twice:
            used = set(requirement.excluded)
        approvals.append(count)
        if count < step.needed:
            return Progress(approved=False, rejected=False, current_step=index, approvals=tuple(approvals))
    return Progress(
        approved=bool(requirement.steps), rejected=False, current_step=None, approvals=tuple(approvals)
    )


def _count(step: Step, decisions: Sequence[CountedDecision], used: set[str]) -> int:
    """How many of a step's decisions count; the people behind them are added to ``used``."""
    count = 0
    # In an order of their own, so that the sum does not depend on the order in which people decided.
    for decision in sorted(decisions, key=lambda d: (bool(d.place_of), d.actor_id)):
        if _is_asked(step, decision) and used.isdisjoint(decision.people):
            used |= decision.people
            count += 1
    return count


def _is_asked(step: Step, decision: CountedDecision) -> bool:
    """Whether rule ``all`` asked for this decision; of a step that escalates, who may decide then did."""
    if step.rule is not StepRule.ALL or step.escalate_after_hours is not None:
        return True
    return any(decision.place == person.id for person in step.eligible)


def step_opened_at(decisions: Sequence[CountedDecision], opened_at: datetime, step: int) -> datetime:
    """When step number ``step`` was reached: with the last decision of the one before it."""
    moments = [d.decided_at for d in decisions if d.step == step - 1 and d.decided_at is not None]
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
    if requirement.steps[step].lets_decide(actor, escalated=escalated):
        return actor
    return next(
        (
            person
            for person in capacity.on_behalf_of
            if person.id not in used and requirement.steps[step].lets_decide(person, escalated=escalated)
        ),
        None,
    )


def is_past(moment: datetime | None, now: datetime) -> bool:
    """Whether a validity window that ends at ``moment`` is over; an open end never is."""
    return moment is not None and now >= moment
