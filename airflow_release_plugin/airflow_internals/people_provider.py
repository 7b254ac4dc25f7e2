"""People from a directory of the installation's own, for auth managers that cannot list their users."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from threading import Lock
from typing import Any

from airflow_release_plugin import config
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.exceptions import UnavailableError

CACHE_SECONDS = 30.0
_lock = Lock()
_cache: dict[str, tuple[float, tuple[Person, ...]]] = {}


def has_provider() -> bool:
    """Whether ``[release] people_provider`` names one."""
    return bool(config.people_provider())


def provided_people() -> tuple[Person, ...]:
    """
    Everyone whom the provider names, at most half a minute ago; nobody without a provider.

    :raises UnavailableError: it cannot be imported, fails, or answers something else than people; then nobody
        is anybody, since a wrong list is worse than none
    """
    name = config.people_provider()
    if not name:
        return ()
    with _lock:
        asked_at, people = _cache.get(name, (float("-inf"), ()))
        if time.monotonic() - asked_at > CACHE_SECONDS:
            people = _ask(name)
            _cache[name] = (time.monotonic(), people)
    return people


def provided_roles(user_id: str) -> frozenset[str]:
    """The roles that somebody holds according to the provider; none for who is not listed."""
    return next((person.roles for person in provided_people() if person.id == user_id), frozenset())


def forget() -> None:
    """Ask again at the next question."""
    with _lock:
        _cache.clear()


def _ask(name: str) -> tuple[Person, ...]:
    try:
        people = tuple(_person(entry) for entry in resolve_name(name)())
    except Exception as error:
        raise UnavailableError(
            "The people provider %(name)r ([release] people_provider) does not answer "
            "(%(error)s), so nobody can be told apart. Try again, or ask its administrator.",
            name=name,
            error=type(error).__name__,
        ) from error
    ids = [person.id for person in people]
    if len(set(ids)) < len(ids):
        raise UnavailableError(
            "The people provider %(name)r names the same id twice; its administrator must mend that.",
            name=name,
        )
    return people


def _person(entry: Any) -> Person:
    """A person from a mapping, or from an object with these attributes."""
    values = entry if isinstance(entry, Mapping) else vars(entry)
    user_id, name, roles = values["id"], values["name"], values["roles"]
    # A string is iterable, too: its letters are no roles.
    if isinstance(roles, (str, bytes)) or not isinstance(roles, Iterable):
        raise TypeError("roles must be a list")
    if not user_id or not name:
        raise ValueError("id and name must not be empty")
    return Person(
        str(user_id), str(name), frozenset(str(role) for role in roles), str(values.get("display_name", ""))
    )
