"""Which auth manager this installation has, and what it knows about people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.identity import Person

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_FAB = ("airflow.providers.fab.auth_manager.fab_auth_manager", "FabAuthManager")
_SIMPLE = ("airflow.api_fastapi.auth.managers.simple.simple_auth_manager", "SimpleAuthManager")


def _is_kind(manager: type, kind: tuple[str, str]) -> bool:
    # By name, so that asking imports neither manager.
    return any((base.__module__, base.__name__) == kind for base in manager.__mro__)


def is_fab(manager: type) -> bool:
    """Whether the auth manager class is FAB's or derived from it."""
    return _is_kind(manager, _FAB)


def is_simple(manager: type) -> bool:
    """Whether the auth manager class is Airflow's simple one or derived from it."""
    return _is_kind(manager, _SIMPLE)


def auth_manager_class() -> type:
    """The configured auth manager's class."""
    from airflow.configuration import conf

    # What Airflow's ``get_auth_manager_cls`` does, without importing the whole API server.
    manager: type = conf.getimport("core", "auth_manager")
    return manager


def simple_role(role: str | None) -> frozenset[str]:
    """The simple auth manager's role as a set; it ignores case, so role names are lower case here."""
    return frozenset({role.lower()}) if role else frozenset()


def simple_people(manager: Any) -> tuple[Person, ...]:
    """Users of the simple auth manager's configuration; in its all-admins mode everyone is one admin."""
    from airflow.configuration import conf

    if conf.getboolean("core", "simple_auth_manager_all_admins", fallback=False):
        return (
            Person(id="Anonymous", name="Anonymous", roles=frozenset({"admin"}), display_name="Anonymous"),
        )
    return tuple(
        Person(id=user.username, name=user.username, roles=simple_role(user.role), display_name=user.username)
        for user in manager.get_users()
    )


def fab_people(session: Session, ids: Iterable[int] | None = None) -> tuple[Person, ...]:
    """Active users of the FAB auth manager with the roles of their own and of their groups; two queries."""
    from airflow.providers.fab.auth_manager.models import (
        Group,
        Role,
        User,
        assoc_group_role,
        assoc_user_group,
        assoc_user_role,
    )
    from sqlalchemy import select, union

    own = select(assoc_user_role.c.user_id, Role.name).join(Role, Role.id == assoc_user_role.c.role_id)
    through_groups = (
        select(assoc_user_group.c.user_id, Role.name)
        .join(Group, Group.id == assoc_user_group.c.group_id)
        .join(assoc_group_role, assoc_group_role.c.group_id == Group.id)
        .join(Role, Role.id == assoc_group_role.c.role_id)
    )
    users = select(User.id, User.username, User.first_name, User.last_name).where(User.active.is_(True))
    if ids is not None:
        wanted = list(ids)
        users = users.where(User.id.in_(wanted))
        own = own.where(assoc_user_role.c.user_id.in_(wanted))
        through_groups = through_groups.where(assoc_user_group.c.user_id.in_(wanted))
    roles: dict[int, set[str]] = {}
    for user_id, role in session.execute(union(own, through_groups)):
        roles.setdefault(user_id, set()).add(role)
    return tuple(
        Person(
            id=str(user_id),
            name=username,
            roles=frozenset(roles.get(user_id, ())),
            display_name=f"{first} {last}".strip(),
        )
        for user_id, username, first, last in session.execute(users.order_by(User.username))
    )
