"""Pages of lists as the API answers them."""

from __future__ import annotations

from typing import Any, TypeVar

from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.schemas.common import Collection

ItemT = TypeVar("ItemT")


def listed(page: Page[Any], items: list[ItemT]) -> Collection[ItemT]:
    """What a route answers for the rows of a page."""
    return Collection(items=items, total_entries=page.total_entries, has_uncounted=page.has_uncounted)
