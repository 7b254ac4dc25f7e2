"""What is known of a version is what a check found in that version, not in another one of its file."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.services.versions.parsed_units import units_of
from tests.harness.context import PASSED, World
from tests.harness.footprints import approved

pytestmark = pytest.mark.req("R82")


def found(path: str, awaits: str) -> CheckItem:
    facts = {"dags": [{"dag_id": path.removesuffix(".py")}], "references": {"awaited_dags": [awaits]}}
    return CheckItem("parse", CheckStatus.PASSED, path, facts=facts)


def test_what_another_version_of_its_file_did_is_not_said_of_a_version(world: World) -> None:
    """The release of the older version still counts for what else came with it."""
    for name in ("one", "two"):
        world.dag(name)
    both = world.promote(approved(world, found("one.py", "etl"), found("two.py", "etl")))
    two = next(item.submission for item in both.items if item.path == "two.py")
    world.dag("one", lines="x = 1")
    again = world.promote(approved(world, *PASSED, paths=["one.py"]))
    one = again.items[0].submission

    assert units_of(world.ctx, [one, two]).keys() == {"two.py"}
    assert units_of(world.ctx, [one]) == {}
