"""Columns that keep messages with what they were made of, so that each reader gets them in their language."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Dialect, Text
from sqlalchemy.types import TypeDecorator

from airflow_release_plugin.messages import as_text, from_text, keep_messages, restored


class MessageText(TypeDecorator[str]):
    """A text: a message, or somebody's own words."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else as_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else from_text(value)


class MessageJSON(TypeDecorator[Any]):
    """JSON with messages in it, at any depth."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return keep_messages(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return restored(value)
