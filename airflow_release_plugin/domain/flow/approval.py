"""Approval rules: who may decide on a node, and what the decisions so far add up to. Pure functions."""

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


class NodeRule(str, Enum):
    """How many of the eligible people must approve."""

    ANY = "any"
    ALL = "all"
    QUORUM = "quorum"


@dataclass(frozen=True)
class Node:
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
    rule: NodeRule = NodeRule.ANY
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

        :param escalated: whether the node has opened to its further group
        """
        if escalated and self._is_named(person, self.escalate_users, self.escalate_roles):
            return True
        was_asked = self.rule is not NodeRule.ALL or any(person.id == asked.id for asked in self.eligible)
        return was_asked and self.admits(person)

    def _is_named(self, person: Actor | Person, users: Sequence[str], roles: Sequence[str]) -> bool:
        if self.only and person.name not in self.only:
            return False
        return person.name in users or not person.roles.isdisjoint(roles)

    def escalates_at(self, opened_at: datetime) -> datetime | None:
        """When the node opens to its further group, if it was reached at ``opened_at``."""
        hours = self.escalate_after_hours
        return None if hours is None else opened_at + timedelta(hours=hours)

    @property
    def needed(self) -> int:
        """Number of approvals that complete the node; at least one, so that an empty set never approves."""
        if self.rule is NodeRule.ALL:
            return max(1, len(self.eligible))
        return max(1, self.quorum) if self.rule is NodeRule.QUORUM else 1

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
    def from_dict(cls, raw: dict[str, Any]) -> Node:
        """Inverse of :meth:`to_dict`."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
        values["rule"] = NodeRule(raw["rule"])
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
    :param counts_twice: whether one person's approvals count on several nodes
    """

    flow: str
    flow_revision: int
    level: int
    nodes: tuple[Node, ...]
    excluded: tuple[str, ...] = ()
    level_name: str = ""
    raised_from: int | None = None
    counts_twice: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored with the approval."""
        return {
            **vars(self),
            "nodes": [node.to_dict() for node in self.nodes],
            "excluded": list(self.excluded),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Requirement:
        """Inverse of :meth:`to_dict`."""
        nodes = tuple(Node.from_dict(node) for node in raw["nodes"])
        return cls(**{**raw, "nodes": nodes, "excluded": tuple(raw["excluded"])})


@dataclass(frozen=True)
class CountedDecision:
    """
    A decision as the rules see it.

    :param place_of: id of the person whose place the actor took; the actor's own otherwise
    """

    node: int
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

    :param current_node: index of the node that is waiting, ``None`` when complete or rejected
    :param approvals: distinct approvals by node
    """

    approved: bool
    rejected: bool
    current_node: int | None
    approvals: tuple[int, ...] = field(default_factory=tuple)


def evaluate(requirement: Requirement, decisions: Sequence[CountedDecision]) -> Progress:
    """
    Add up ``decisions``: nodes complete in order, one person counts once over all nodes unless the flow says
    otherwise, a rejection ends it.

    A requirement without nodes is never approved.
    """
    if any(decision.verdict is Verdict.REJECT for decision in decisions):
        return Progress(approved=False, rejected=True, current_node=None)
    used: set[str] = set(requirement.excluded)
    approvals: list[int] = []
    for index, node in enumerate(requirement.nodes):
        count = _count(node, [d for d in decisions if d.node == index], used)
        if requirement.counts_twice:
            used = set(requirement.excluded)
        approvals.append(count)
        if count < node.needed:
            return Progress(approved=False, rejected=False, current_node=index, approvals=tuple(approvals))
    return Progress(
        approved=bool(requirement.nodes), rejected=False, current_node=None, approvals=tuple(approvals)
    )


def _count(node: Node, decisions: Sequence[CountedDecision], used: set[str]) -> int:
    """How many of a node's decisions count; the people behind them are added to ``used``."""
    count = 0
    # In an order of their own, so that the sum does not depend on the order in which people decided.
    for decision in sorted(decisions, key=lambda d: (bool(d.place_of), d.actor_id)):
        if _is_asked(node, decision) and used.isdisjoint(decision.people):
            used |= decision.people
            count += 1
    return count


def _is_asked(node: Node, decision: CountedDecision) -> bool:
    """Whether rule ``all`` asked for this decision; of a node that escalates, who may decide then did."""
    if node.rule is not NodeRule.ALL or node.escalate_after_hours is not None:
        return True
    return any(decision.place == person.id for person in node.eligible)


def node_opened_at(decisions: Sequence[CountedDecision], opened_at: datetime, node: int) -> datetime:
    """When node number ``node`` was reached: with the last decision of the one before it."""
    moments = [d.decided_at for d in decisions if d.node == node - 1 and d.decided_at is not None]
    return max(moments, default=opened_at)


@dataclass(frozen=True)
class Standing:
    """
    Who somebody can decide as: themselves, or in the place of the people who made them deputy.

    :param places: those people, with the roles that they hold now
    """

    actor: Actor
    places: tuple[Person, ...] = ()


def place_to_decide(
    requirement: Requirement,
    node: int,
    standing: Standing,
    decisions: Sequence[CountedDecision],
    *,
    escalated: bool = False,
) -> Actor | Person | None:
    """
    In whose place somebody may decide on node number ``node`` now: their own first; ``None`` for nobody's.

    Who is excluded cannot be stood in for: a deputy must not be a way to approve one's own.
    """
    actor = standing.actor
    if actor.kind is not ActorKind.USER or actor.id in requirement.excluded:
        return None
    if not 0 <= node < len(requirement.nodes):
        return None
    counted = [d for d in decisions if d.node == node] if requirement.counts_twice else decisions
    used = {person for decision in counted for person in decision.people} | set(requirement.excluded)
    if actor.id in used:
        return None
    if requirement.nodes[node].lets_decide(actor, escalated=escalated):
        return actor
    return next(
        (
            person
            for person in standing.places
            if person.id not in used and requirement.nodes[node].lets_decide(person, escalated=escalated)
        ),
        None,
    )


def is_past(moment: datetime | None, now: datetime) -> bool:
    """Whether a validity window that ends at ``moment`` is over; an open end never is."""
    return moment is not None and now >= moment
