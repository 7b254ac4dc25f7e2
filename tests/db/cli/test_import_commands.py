"""The real ``airflow release import`` in a process of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.models import FileChunk
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World, ok
from tests.db.cli.conftest import airflow, rows
from tests.harness.bundles import CONTENT, OTHER_KEY, bundle_files, manifest_of

pytestmark = [pytest.mark.req("R53", "R56", "R59"), *(pytest.mark.filterwarnings(w) for w in WARNINGS)]


def bundle(world: World, name: str, **changes: Any) -> Path:
    """A bundle file outside of the installation, whose DAG needs a pool."""
    (unit,) = manifest_of(bundle_files(CONTENT)).units
    path = world.folder / name
    path.write_bytes(world.bundle(units=(replace(unit, pools=("etl_pool",)),), **changes))
    return path


def test_a_bundle_is_checked_mended_and_applied(empty_world: World) -> None:
    file = str(bundle(empty_world, "orders.dagbundle"))

    blocked = airflow(empty_world, "import", file, "--check-only", "--output", "json")
    (applied,) = rows(
        airflow(
            empty_world,
            "import",
            file,
            "--map",
            "pool:etl_pool=my_pool",
            "--placeholders",
            "--output",
            "json",
        )
    )

    assert blocked.returncode == 1
    (missing,) = [row for row in json.loads(blocked.stdout) if row["severity"] == "block"]
    assert (missing["reason"], missing["name"], missing["dag_ids"]) == ("missing_pool", "etl_pool", ["etl"])
    assert (applied["import"], applied["mode"], applied["signer"]) == ("1", "submit", "plant A")
    assert "incomplete_placeholder" in applied["warnings"]
    listed = ok(empty_world.as_("admin").get("/submissions"))["items"]
    assert [(row["path"], row["dag_ids"], row["state"]) for row in listed] == [("etl.py", ["etl"], "pending")]
    again = airflow(empty_world, "import", file)
    assert (again.returncode, "'applied'" in again.stderr) == (1, True)


def test_what_cannot_be_taken_in_is_a_line_and_exit_code_1(empty_world: World, tmp_path: Path) -> None:
    (tmp_path / "text.dagbundle").write_text("no bundle")
    strange = bundle(empty_world, "strange.dagbundle", key=OTHER_KEY)

    for arguments, message in (
        ([str(tmp_path / "text.dagbundle")], "The file is no bundle"),
        ([str(strange)], "is not trusted here"),
        ([str(tmp_path / "nothing"), "--map", "pool"], "write it like connection:warehouse=dwh"),
    ):
        done = airflow(empty_world, "import", *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr
    with empty_world.session() as session:
        assert session.query(FileChunk).count() == 0
