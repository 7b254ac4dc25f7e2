"""People and roles that a flow could name, by parts of their names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.text.search import closest
from airflow_release_plugin.services.runtime.context import Context

MOST = 20


@dataclass(frozen=True)
class RoleHit:
    """A role, and how many people hold it."""

    name: str
    people: int


def people_named(ctx: Context, *, text: str) -> list[Person]:
    """People with every word of ``text`` in their login name, the best first; all for an empty text."""
    known = sorted(ctx.airflow.access.people(), key=lambda person: person.name)
    people = [person for person in known if person.name not in ctx.settings.service_users]
    return closest(text, people, lambda person: (person.name,))


def find_people(ctx: Context, *, actor: Actor, text: str) -> list[Person]:
    """At most :data:`MOST` people; everybody may see who is eligible, so everybody may look for people."""
    del actor
    return people_named(ctx, text=text)[:MOST]


def find_roles(ctx: Context, *, actor: Actor, text: str) -> list[RoleHit]:
    """At most :data:`MOST` roles that people hold, by their names, the best first."""
    del actor
    held = Counter(role for person in ctx.airflow.access.people() for role in person.roles)
    roles = [RoleHit(name, people) for name, people in sorted(held.items())]
    return closest(text, roles, lambda role: (role.name,))[:MOST]
