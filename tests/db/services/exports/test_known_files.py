"""What an export knows of files that an earlier one looked through, and what it must look through anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.analysis import file_findings
from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.services.exports import references
from tests.harness.context import World
from tests.harness.exports import content_of, made, with_transfers

pytestmark = pytest.mark.req("R50")
SECRET = 'DB_PASSWORD = "hunter2hunter2"'


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    return with_transfers(world, tmp_path)


@pytest.fixture
def looked_through(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Paths of files that were parsed, by a process that knows nothing yet."""
    paths: list[str] = []

    def find_in(path: str, data: bytes) -> file_findings.FileFindings:
        paths.append(path)
        return file_findings.find_in(path, data)

    monkeypatch.setattr(references, "find_in", find_in)
    references._KNOWN.kept.clear()
    yield paths
    references._KNOWN.kept.clear()


def exported(world: World, *names: str) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Variables that the source's file refers to, and places of likely secrets."""
    row = made(world, *names, origin=ExportOrigin.SOURCE)
    (unit,) = content_of(world, row)[0].units
    return unit.variables, row.report["secrets"]


def variable(name: str) -> str:
    return f'from airflow.sdk import Variable\nVariable.get("{name}")\n{SECRET}\n'


def test_the_same_content_is_looked_through_once_and_says_the_same(
    world: World, looked_through: list[str]
) -> None:
    world.dag("etl", variable("one"))

    first, second = exported(world, "etl"), exported(world, "etl")

    assert looked_through == ["etl.py"]
    assert first == second
    assert first[0] == ("one",)
    assert [place["path"] for place in first[1]] == ["etl.py"]


def test_an_edit_of_the_same_size_and_time_is_looked_through(world: World, looked_through: list[str]) -> None:
    path = world.twin.root / world.dag("etl", variable("one"))
    before = path.stat()
    assert exported(world, "etl")[0] == ("one",)
    path.write_text(path.read_text().replace('"one"', '"two"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    assert exported(world, "etl")[0] == ("two",)
    assert looked_through == ["etl.py", "etl.py"]


def test_places_of_secrets_follow_a_file_that_was_renamed(world: World, looked_through: list[str]) -> None:
    old = world.twin.root / world.dag("etl", variable("one"))
    exported(world, "etl")
    old.rename(old.with_name("loads.py"))

    variables, secrets = exported(world, "etl")

    assert variables == ("one",)
    assert [place["path"] for place in secrets] == ["loads.py"]


def test_a_file_that_cannot_be_parsed_refers_to_nothing_and_is_searched_for_secrets() -> None:
    found = file_findings.find_in("broken.py", f"def (:\n{SECRET}\n".encode())

    assert found.references == file_findings.References()
    assert found.modules == file_findings.NeededModules()
    assert [(place.path, place.line) for place in found.secrets] == [("broken.py", 2)]


def test_what_is_no_python_is_read_as_a_template_or_not_at_all() -> None:
    template = file_findings.find_in("sums.sql", b"SELECT {{ var.value.region }}")
    plain = file_findings.find_in("sums.sql", b"SELECT 1")

    assert template.references is not None
    assert (template.references.variables, template.modules) == (("region",), None)
    assert plain == file_findings.FileFindings()
