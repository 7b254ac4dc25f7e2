"""Writes a dev folder of any size: what a team's repository looks like, thousands of files of it."""

from __future__ import annotations

import os
from pathlib import Path

TEAM_SIZE = 100
"""DAG files of a team, each in the team's folder; as many as one release may hold."""

_HELPER = '''"""What the Dags of {team} share."""

from __future__ import annotations

SCHEMA = "{team}"


def table(name: str) -> str:
    """The full name of a table of the team."""
    return f"{{SCHEMA}}.{{name}}"
'''

_DAG = '''"""Loads orders of shop {number} for {team}, checks them and publishes a summary."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, task

from {team}.tables import table

QUERY = (Path(__file__).parent / "sql" / "{query}.sql").read_text()

with DAG(
    "{dag_id}",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={{"retries": 2, "retry_delay": timedelta(minutes=5)}},
    tags=["{team}", "orders"],
):

    @task
    def extract() -> str:
        return QUERY.format(table=table("orders_{number}"))

    @task
    def load(query: str) -> int:
        return len(query)

    @task
    def publish(rows: int) -> None:
        print(table("summary"), rows)

    publish(load(extract()))
'''

_QUERIES = 10
_QUERY = "SELECT day, count(*) AS orders\nFROM {{table}}\nWHERE kind = {kind}\nGROUP BY day;\n"


def write_dags(folder: Path, count: int) -> None:
    """
    Write ``count`` DAG files, in folders of :data:`TEAM_SIZE` with a module and queries that they share.

    Those of the first team are the newest: the dag processor parses what was edited last first.
    """
    for number in range(count):
        team = team_name(number // TEAM_SIZE)
        if number % TEAM_SIZE == 0:
            _write_shared(folder / team, team)
        file = folder / team / f"{team}_orders_{number:04}.py"
        file.write_text(
            _DAG.format(number=number, team=team, query=f"orders_{number % _QUERIES}", dag_id=file.stem)
        )
        _make_older(file, seconds=60 + number)


def team_name(number: int) -> str:
    """The name of a team, which begins the names of its DAGs."""
    return f"team_{number:02}"


def _write_shared(folder: Path, team: str) -> None:
    (folder / "sql").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "tables.py").write_text(_HELPER.format(team=team))
    for kind in range(_QUERIES):
        (folder / "sql" / f"orders_{kind}.sql").write_text(_QUERY.format(kind=kind))


def _make_older(file: Path, *, seconds: float) -> None:
    moment = file.stat().st_mtime - seconds
    os.utime(file, (moment, moment))
