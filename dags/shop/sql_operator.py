"""An operator of our own: SQL from a file, so that who knows SQL can change it without Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator

from .warehouse import connected


class WarehouseSqlOperator(BaseOperator):
    """Runs one statement in the warehouse; ``sql`` may name a ``.sql`` file, which is a template."""

    template_fields: Sequence[str] = ("sql",)
    template_ext: Sequence[str] = (".sql",)

    def __init__(self, *, sql: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sql = sql

    def execute(self, context: Any) -> int:
        """Run it; return how many rows it touched."""
        with connected() as connection:
            return connection.execute(self.sql).rowcount
