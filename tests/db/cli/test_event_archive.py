"""Archiving old events by ``airflow release clean``, and verifying them by ``verify-audit --archive``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows

pytestmark = [pytest.mark.req("R93"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "archive"
    path.mkdir()
    monkeypatch.setenv("AIRFLOW__RELEASE__EVENT_ARCHIVE_PATH", str(path))
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", str(tmp_path / "keys"))
    return path


def long_ago(month: int) -> None:
    with unit_of_work() as (ctx, _):
        then = replace(ctx, clock=lambda: datetime(2020, month, 3, tzinfo=timezone.utc))
        for number in range(3):
            audit.record(then, actor=SYSTEM, tag=EventTag.FLOW_CHANGED, subject=f"flow:{number}")


def test_old_events_are_archived_and_verified_with_the_trail(world: World, folder: Path) -> None:
    long_ago(1)
    long_ago(2)
    rows(airflow(world, "keys", "generate", "--output", "json"))

    dry = rows(airflow(world, "clean", "--dry-run", "--output", "json"))
    done = rows(airflow(world, "clean", "--output", "json"))
    files = sorted(map(str, folder.glob("*.jsonl")))
    verified = rows(airflow(world, "verify-audit", "--output", "json", "--archive", *files))

    kind = "events into the archive"
    assert [row["would go"] for row in dry if row["kind"] == kind] == ["6"]
    assert [row["gone"] for row in done if row["kind"] == kind] == ["6"]
    assert [row["status"] for row in verified] == ["intact"] * 3
    assert [row["first_event"] for row in verified] == ["7", "1", "4"]
    assert [row["detail"] for row in verified[1:]] == ["to event 3", "to event 6"]


def test_a_file_that_is_not_what_was_signed_is_found(world: World, folder: Path) -> None:
    for month in (1, 2, 3):
        long_ago(month)
    rows(airflow(world, "keys", "generate", "--output", "json"))
    rows(airflow(world, "clean", "--output", "json"))
    changed, unsigned, renamed = sorted(folder.glob("*.jsonl"))
    changed.chmod(0o600)
    changed.write_text(changed.read_text().replace("flow:1", "flow:2"))
    unsigned.with_name(f"{unsigned.name}.dsse.json").unlink()
    other = renamed.rename(folder / "renamed.jsonl")
    renamed.with_name(f"{renamed.name}.dsse.json").rename(folder / "renamed.jsonl.dsse.json")

    paths = map(str, (changed, unsigned, other, folder / "none.jsonl"))
    done = airflow(world, "verify-audit", "--output", "json", "--archive", *paths)

    found = {row["what"]: row["detail"] for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found.pop("database") == ""
    assert "changed" in found[changed.name]
    assert "is not beside it" in found[unsigned.name]
    assert renamed.name in found[other.name]
    assert "not there" in found["none.jsonl"]


def test_a_file_that_is_missing_between_others_is_found(world: World, folder: Path) -> None:
    for month in (1, 2, 3, 4):
        long_ago(month)
    rows(airflow(world, "keys", "generate", "--output", "json"))
    rows(airflow(world, "clean", "--output", "json"))
    first, missing, last, _ = sorted(folder.glob("*.jsonl"))

    done = airflow(world, "verify-audit", "--output", "json", "--archive", str(first), str(last))

    found = {row["what"]: row["status"] for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found == {"database": "intact", first.name: "intact", missing.name: "broken", last.name: "intact"}


def test_without_the_folder_the_command_says_what_to_do(world: World, folder: Path) -> None:
    long_ago(1)
    folder.rmdir()

    done = airflow(world, "clean", "--output", "json")

    assert done.returncode == 1
    assert "Mount or make the folder" in done.stderr
