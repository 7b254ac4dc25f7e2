"""The lists whose filters people save, and what a filter is: the query of the page's address."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from urllib.parse import urlencode


class ListPage(str, Enum):
    """A page with a list."""

    TO_BE_RELEASED = "to_be_released"
    RELEASES = "releases"
    RECORDS = "records"
    ENVIRONMENT = "environment"
    INBOX = "inbox"


_NO_FILTER = frozenset({"offset", "bundle"})
"""What a list is asked for otherwise: which page of it, and what to adopt."""


def filter_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query string of a filter: the same for the same filter, whatever order its form has."""
    return urlencode(sorted((n, v.strip()) for n, v in pairs if v.strip() and n not in _NO_FILTER))
