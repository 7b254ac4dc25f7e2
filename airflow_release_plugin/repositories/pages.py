"""Paging that every list shares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Select, func, select

from airflow_release_plugin.exceptions import InvalidRequestError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RowT = TypeVar("RowT")
OtherT = TypeVar("OtherT")


MOST_COUNTED = 10_000
"""Rows of a list that are counted; of a longer one it is only known that it is longer."""


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """
    A slice of a list and the length of the whole.

    :param total_entries: at most :data:`MOST_COUNTED` of a list in the database
    :param has_uncounted: whether there are more rows than that
    """

    items: list[RowT]
    total_entries: int
    has_uncounted: bool = False

    def of(self, items: list[OtherT]) -> Page[OtherT]:
        """The same slice of the same list, with something else for each row."""
        return Page(items, self.total_entries, self.has_uncounted)


def fetch_page(session: Session, query: Select[Any], *, limit: int, offset: int) -> Page[Any]:
    """Run ``query`` for one page: two statements, whatever the number of rows."""
    length = counted(session, query)
    rows = session.scalars(query.limit(limit).offset(offset)).unique().all()
    return Page(list(rows), *length)


def counted(session: Session, ids: Select[Any]) -> tuple[int, bool]:
    """How many there are, up to :data:`MOST_COUNTED`, and whether there are more."""
    found = count(session, ids.limit(MOST_COUNTED + 1))
    return min(found, MOST_COUNTED), found > MOST_COUNTED


def count(session: Session, ids: Select[Any]) -> int:
    """How many ``ids`` there are; ask for ids alone, so that nothing else is read for it."""
    return session.scalar(select(func.count()).select_from(ids.order_by(None).subquery())) or 0


def require_order(order_by: str, columns: Collection[str]) -> None:
    """Raise ``InvalidRequestError`` unless ``order_by`` is one of ``columns``, with ``-`` in front or not."""
    if order_by.removeprefix("-") not in columns:
        raise InvalidRequestError(
            "There is no order_by %(order_by)r; possible are %(names)s, with - in front for descending.",
            order_by=order_by,
            names=sorted(columns),
        )


def like(*texts: str) -> str:
    r"""A LIKE pattern (escape character ``\``) that finds texts one after the other, anywhere."""
    escaped = (text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for text in texts)
    return f"%{'%'.join(escaped)}%"


def like_in_any_case(*texts: str) -> str:
    """
    The same, to be used with ILIKE on every database.

    SQLite knows upper and lower case of ASCII alone: any letter stands for another one that has two.
    """
    return "".join(
        letter if letter.isascii() or letter.lower() == letter.upper() else "_" for letter in like(*texts)
    )
