"""Check items as a column: typed in the program, JSON in the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.messages import keep_messages, restored


class CheckItems(TypeDecorator[tuple[CheckItem, ...]]):
    """The items of a report, in their order."""

    impl = JSON
    cache_ok = True

    def process_bind_param(
        self, value: Iterable[CheckItem] | None, dialect: Dialect
    ) -> list[dict[str, Any]] | None:
        return None if value is None else [_stored(item) for item in value]

    def process_result_value(
        self, value: list[dict[str, Any]] | None, dialect: Dialect
    ) -> tuple[CheckItem, ...] | None:
        return None if value is None else tuple(_read(raw) for raw in value)


def _stored(item: CheckItem) -> dict[str, Any]:
    return {
        "name": keep_messages(item.name),
        "status": item.status.value,
        "path": item.path,
        "detail": keep_messages(item.detail),
        "facts": keep_messages(item.facts),
    }


def _read(raw: dict[str, Any]) -> CheckItem:
    detail, facts = restored(raw["detail"]), restored(raw["facts"])
    return CheckItem(restored(raw["name"]), CheckStatus(raw["status"]), raw["path"], detail, facts)
