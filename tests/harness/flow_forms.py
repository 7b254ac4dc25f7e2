"""Flows in the form in which administrators write them, and people who decide under them."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.domain.identity import Actor, Person
from tests.harness.context import World

LEAD = Actor("7", "lead", frozenset({"lead"}))
LEAD2 = Actor("8", "lead2", frozenset({"lead"}))
OPERATOR = Actor("9", "operator", frozenset({"op"}))


def step(*roles: str, users: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """One step; ``more`` are its further keys."""
    named = {"roles": list(roles)} if roles else {}
    return {"name": "Review", **named, **({"users": list(users)} if users else {}), **more}


def level(*steps: dict[str, Any], name: str = "Standard", **rule: Any) -> dict[str, Any]:
    """One level; ``rule`` says when it applies."""
    return {"name": name, "steps": list(steps) or [step("op")], **({"rule": rule} if rule else {})}


def form(name: str = "Four eyes", *levels: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A flow of kind promotion that the role ``op`` decides on, unless ``more`` says otherwise."""
    return {"name": name, "kind": "promotion", "levels": list(levels) or [level()], **more}


def join(world: World, *people: Actor) -> None:
    """Let people be known to the auth manager, with the roles that they carry."""
    for actor in people:
        world.twin.users[actor.id] = Person(actor.id, actor.name, actor.roles)


def leave(world: World, *people: Actor) -> None:
    """Take people away from the auth manager."""
    for actor in people:
        del world.twin.users[actor.id]
