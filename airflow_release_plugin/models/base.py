"""Own metadata, column types and the one door through which a state moves."""

from __future__ import annotations

from datetime import datetime, timezone
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, MetaData, String
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.states import checked_move

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """Base of all tables of the product."""

    metadata = metadata


class UtcDateTime(TypeDecorator[datetime]):
    """
    An aware point in time, kept and read as UTC.

    SQLite forgets the zone, and PostgreSQL answers in that of the connection: days and months begin there.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}; pass an aware one")
        value = value.astimezone(timezone.utc)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


EnumT = TypeVar("EnumT", bound=Enum)


class EnumText(TypeDecorator[EnumT]):
    """A string enum as its value; a new member needs no migration, an unknown value is an error when read."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[EnumT]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(self.enum(value).value)

    def process_result_value(self, value: Any, dialect: Dialect) -> EnumT | None:
        return None if value is None else self.enum(value)


class Stateful:
    """A row with a state; it moves only through :meth:`move_to`."""

    state: Any

    @property
    def subject(self) -> str:
        """How the row is named in messages and events."""
        raise NotImplementedError

    def move_to(self, to: Any) -> None:
        """Move to another state. Raises ``InvalidTransitionError`` when the table has no such move."""
        self.state = checked_move(self.subject, self.state, to)


def person(actor_id: str | None, name: str | None) -> Person | None:
    """A person from an id and a name column, ``None`` without id."""
    return None if actor_id is None else Person(id=actor_id, name=name or actor_id)


def stamp(actor: Actor, prefix: str) -> dict[str, str]:
    """Values for the ``<prefix>_by_id`` and ``<prefix>_by_name`` columns."""
    return {f"{prefix}_by_id": actor.id, f"{prefix}_by_name": actor.name}
