"""Approval rules: who may decide on a node, and what the decisions so far add up to. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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

    :param users: ids or login names of people who may decide
    :param roles: names of roles whose holders may decide
    :param quorum: how many approvals rule ``quorum`` needs
    :param only: ids or login names that narrow the above; it never admits anybody by itself
    :param eligible: the people found when the approval opened; a record, and the basis of rule ``all``
    """

    name: str
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: NodeRule = NodeRule.ANY
    quorum: int = 1
    only: tuple[str, ...] = ()
    eligible: tuple[Person, ...] = ()

    def admits(self, actor: Actor) -> bool:
        """Whether ``actor`` is named here: by id, login name or a role held now. Nothing named, nobody."""
        if self.only and actor.id not in self.only and actor.name not in self.only:
            return False
        return actor.id in self.users or actor.name in self.users or actor.has_any_role(frozenset(self.roles))

    @property
    def needed(self) -> int:
        """Number of approvals that complete the node; at least one, so that an empty set never approves."""
        if self.rule is NodeRule.ALL:
            return max(1, len(self.eligible))
        return max(1, self.quorum) if self.rule is NodeRule.QUORUM else 1

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored with the approval."""
        return {
            "name": self.name,
            "users": list(self.users),
            "roles": list(self.roles),
            "rule": self.rule.value,
            "quorum": self.quorum,
            "only": list(self.only),
            "eligible": [{"id": p.id, "name": p.name, "roles": sorted(p.roles)} for p in self.eligible],
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Node:
        """Inverse of :meth:`to_dict`."""
        return cls(
            name=raw["name"],
            users=tuple(raw["users"]),
            roles=tuple(raw["roles"]),
            rule=NodeRule(raw["rule"]),
            quorum=raw["quorum"],
            only=tuple(raw["only"]),
            eligible=tuple(Person(p["id"], p["name"], frozenset(p["roles"])) for p in raw["eligible"]),
        )


@dataclass(frozen=True)
class Requirement:
    """
    What was needed when the approval opened; a later change of the flow does not rewrite it.

    :param flow: name of the flow
    :param excluded: ids of people who may not decide: requester, submitters, importer
    """

    flow: str
    flow_revision: int
    level: int
    nodes: tuple[Node, ...]
    excluded: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON form, as stored with the approval."""
        return {
            "flow": self.flow,
            "flow_revision": self.flow_revision,
            "level": self.level,
            "nodes": [node.to_dict() for node in self.nodes],
            "excluded": list(self.excluded),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Requirement:
        """Inverse of :meth:`to_dict`."""
        return cls(
            flow=raw["flow"],
            flow_revision=raw["flow_revision"],
            level=raw["level"],
            nodes=tuple(Node.from_dict(node) for node in raw["nodes"]),
            excluded=tuple(raw["excluded"]),
        )


@dataclass(frozen=True)
class CountedDecision:
    """A decision as the rules see it."""

    node: int
    actor_id: str
    verdict: Verdict


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
    Add up ``decisions``: nodes complete in order, one person counts once over all nodes, a rejection ends it.

    A requirement without nodes is never approved.
    """
    if any(decision.verdict is Verdict.REJECT for decision in decisions):
        return Progress(approved=False, rejected=True, current_node=None)
    counted: set[str] = set(requirement.excluded)
    approvals: list[int] = []
    for index, node in enumerate(requirement.nodes):
        people = {d.actor_id for d in decisions if d.node == index} - counted
        if node.rule is NodeRule.ALL:
            # Others who hold the role by now cannot stand in for somebody who was asked.
            people &= {person.id for person in node.eligible}
        counted |= people
        approvals.append(len(people))
        if len(people) < node.needed:
            return Progress(approved=False, rejected=False, current_node=index, approvals=tuple(approvals))
    return Progress(
        approved=bool(requirement.nodes), rejected=False, current_node=None, approvals=tuple(approvals)
    )


def may_decide(requirement: Requirement, node: int, actor: Actor, decided: Collection[str]) -> bool:
    """Whether ``actor`` may decide on node number ``node`` now; ``decided`` are ids of people who did."""
    return (
        actor.kind is ActorKind.USER
        and actor.id not in requirement.excluded
        and actor.id not in decided
        and 0 <= node < len(requirement.nodes)
        and requirement.nodes[node].admits(actor)
    )


def is_past(moment: datetime | None, now: datetime) -> bool:
    """Whether a validity window that ends at ``moment`` is over; an open end never is."""
    return moment is not None and now >= moment
