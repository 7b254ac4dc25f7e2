"""Turns Airflow's users into actors."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.auth_managers import (
    auth_manager_class,
    fab_people,
    is_fab,
    is_simple,
    simple_people,
)
from airflow_release_plugin.airflow_internals.people_provider import has_provider, provided_roles
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from airflow_release_plugin.exceptions import NotAuthenticatedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session


async def resolve(token: str, *, session: Session | None = None) -> tuple[Actor, BaseUser]:
    """
    The actor behind one of Airflow's JWTs, with the auth manager's own user for questions about access.

    :param session: with it, a FAB user's roles are those of this moment; without it, those of the token's
        user as FAB remembers it, up to half a minute old and without group roles
    :raises NotAuthenticatedError: the token is malformed, expired, revoked, or names nobody who is active
    """
    from airflow.api_fastapi.app import get_auth_manager
    from jwt.exceptions import InvalidTokenError

    try:
        user = await get_auth_manager().get_user_from_token(token)
    except (InvalidTokenError, ValueError, KeyError) as error:
        # Airflow lets errors of malformed tokens through as they come.
        raise NotAuthenticatedError(
            "The login is not valid or has expired; log in to Airflow again."
        ) from error
    return actor_from_user(user, session=session), user


def actor_from_user(user: Any, *, session: Session | None = None) -> Actor:
    """
    The actor that a user of the configured auth manager is.

    Users of other auth managers than Airflow's two are asked ``get_id()`` and ``get_name()``. Their roles are
    those that the people provider names now. Without a provider they are asked ``get_roles()``, ``roles``,
    ``role``, ``get_groups()`` or the ``realm_access`` claim of an OpenID access token, whichever is there
    first. No answer means no roles.

    :raises NotAuthenticatedError: the user has no id, or is no longer active
    """
    manager = auth_manager_class()
    user_id = user.get_id()
    if user_id in (None, ""):
        raise NotAuthenticatedError("The auth manager named nobody; log in to Airflow again.")
    if is_simple(manager):
        roles = _current_simple_roles(str(user_id), manager)
    elif is_fab(manager) and session is not None:
        roles = _current_fab_roles(str(user_id), session)
    elif not is_fab(manager) and has_provider():
        roles = provided_roles(str(user_id))
    else:
        roles = frozenset(_role_names(user))
    name = str(user.get_name() or user_id)
    kind = ActorKind.SERVICE if name in config.service_users() else ActorKind.USER
    return Actor(id=str(user_id), name=name, roles=roles, kind=kind)


def _current_simple_roles(user_id: str, manager: type) -> frozenset[str]:
    """Those of the configuration: a token outlives the user that it was made for."""
    return _roles_of(tuple(person for person in simple_people(manager) if person.id == user_id))


def _current_fab_roles(user_id: str, session: Session) -> frozenset[str]:
    return _roles_of(fab_people(session, [int(user_id)]) if user_id.isdecimal() else ())


def _roles_of(found: Sequence[Person]) -> frozenset[str]:
    if not found:
        raise NotAuthenticatedError("This user is not active any more; log in to Airflow as another one.")
    return found[0].roles


def _role_names(user: Any) -> Iterable[str]:
    for attribute in ("get_roles", "roles", "role", "get_groups"):
        found = getattr(user, attribute, None)
        found = found() if callable(found) else found
        if isinstance(found, str):
            return [found]
        if found:
            return [str(getattr(role, "name", role)) for role in found]
    return _realm_roles(getattr(user, "access_token", None))


def _realm_roles(access_token: object) -> list[str]:
    """Realm roles of an OpenID access token, which came inside Airflow's own verified token."""
    if not isinstance(access_token, str) or access_token.count(".") != 2:
        return []
    payload = access_token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return [str(role) for role in claims["realm_access"]["roles"]]
    except (ValueError, KeyError, TypeError):
        return []
