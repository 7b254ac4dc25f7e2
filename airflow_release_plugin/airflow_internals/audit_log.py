"""Airflow's own audit log: rows of its ``log`` table, as its API server writes them, in our transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import insert

from airflow_release_plugin.domain.airflow_log import LogLine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AirflowLog:
    """The port, for one session; see ``AirflowLogPort``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def note(self, lines: Iterable[LogLine]) -> None:
        from airflow.models.log import Log

        rows = [
            {
                "dttm": line.time,
                "event": line.event,
                "owner": line.actor_name,
                "owner_display_name": line.actor_name,
                "dag_id": line.dag_id,
                "run_id": line.run_id,
                "task_id": line.task_id,
                "map_index": line.map_index,
                "try_number": line.try_number,
                "extra": json.dumps(line.extra),
            }
            for line in lines
        ]
        if rows:
            self._session.execute(insert(Log), rows)
