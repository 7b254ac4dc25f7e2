"""``airflow release flows …``."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from airflow_release_plugin.models import Event
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows

pytestmark = [pytest.mark.req("R41"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]
FLOWS = """version: 1
flows:
- name: Team
  kind: promotion
  enabled: true
  validity:
    approval: 24
    wait: 24
    execution: 24
  levels:
  - name: One
    steps:
    - name: Reviewers
      roles:
      - op
      rule: any
"""


def test_a_file_is_applied_exported_and_simulated(world: World, tmp_path: Path) -> None:
    file, out = tmp_path / "flows.yaml", tmp_path / "out.yaml"
    file.write_text(FLOWS)

    said = [
        rows(airflow(world, "flows", "apply", str(file), *more, "--output", "json"))
        for more in (["--dry-run"], [], [])
    ]
    rows(airflow(world, "flows", "export", "--file", str(out), "--output", "json"))
    printed = airflow(world, "flows", "export")
    tried = rows(airflow(world, "flows", "simulate", "--dag", "etl", "--output", "json"))

    assert [(row["flow"], row["action"]) for (row,) in said] == [
        ("Team", "created"),
        ("Team", "created"),
        ("Team", "unchanged"),
    ]
    assert out.read_text() == printed.stdout == FLOWS
    assert [(row["flow"], row["outcome"]) for row in tried] == [
        ("Team", "applies"),
        ("default", "lower_priority"),
    ]
    assert "reviewer" in str(tried[0]["people"])
    with world.session() as session:
        assert {event.actor_name[-15:] for event in session.scalars(select(Event))} == {" (command line)"}


def test_a_file_that_is_wrong_or_not_there_is_a_line_and_exit_code_1(world: World, tmp_path: Path) -> None:
    file = tmp_path / "flows.yaml"
    file.write_text(FLOWS.replace("roles", "role"))

    wrong = airflow(world, "flows", "apply", str(file))
    gone = airflow(world, "flows", "apply", str(tmp_path / "gone.yaml"))

    assert (wrong.returncode, gone.returncode) == (1, 1)
    assert wrong.stderr.startswith(
        "Line 14: flows[0].levels[0].steps[0].role is unknown; possible here: name"
    )
    assert "gone.yaml cannot be read: No such file or directory." in gone.stderr
