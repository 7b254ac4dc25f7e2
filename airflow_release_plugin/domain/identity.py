"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class ActorKind(str, Enum):
    """What sort of actor this is."""

    USER = "user"
    """A person."""
    SERVICE = "service"
    """The account that pipelines log in as: executes what was approved, never decides."""
    SYSTEM = "system"
    """The product itself: expiry, reconciliation."""


@dataclass(frozen=True)
class Actor:
    """
    Somebody who does something, as resolved from the auth manager at the time of the request.

    :param id: the auth manager's identifier (FAB: a number as text); same id, same actor
    :param name: the login name, for people to read
    :param roles: names of the roles held now
    :param claim: what proves that a task of a release's pipeline speaks with this login; empty for none
    """

    id: str
    name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    kind: ActorKind = ActorKind.USER
    claim: str = field(default="", compare=False, repr=False)

    def has_any_role(self, roles: frozenset[str]) -> bool:
        """Whether the actor holds at least one of ``roles``; an empty set is held by nobody."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class Person:
    """A person known to the auth manager, as offered in choices."""

    id: str
    name: str
    roles: frozenset[str] = field(default_factory=frozenset)
    display_name: str = ""


SYSTEM = Actor(id="system", name="system", kind=ActorKind.SYSTEM)
