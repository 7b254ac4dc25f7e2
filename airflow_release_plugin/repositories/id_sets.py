"""
Sets of any size as one parameter: a PostgreSQL array, a JSON list on SQLite.

Neither database then limits how many members there are, and each statement is compiled and planned once.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, ColumnElement, any_, func, literal, select

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def is_one_of(
    session: Session, column: Any, members: Collection[int] | Collection[str]
) -> ColumnElement[bool]:
    """Whether a column has one of these values."""
    if is_postgresql(session):
        found: ColumnElement[bool] = column == any_(literal(list(members), ARRAY(column.type)))
        return found
    listed = func.json_each(json.dumps(list(members))).table_valued("value")
    within: ColumnElement[bool] = column.in_(select(listed.c.value))
    return within


def is_postgresql(session: Session) -> bool:
    """Whether the session works on PostgreSQL; else it is SQLite."""
    return session.get_bind().dialect.name == "postgresql"
