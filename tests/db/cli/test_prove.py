"""``airflow release prove``: every file is really run, and compared with what a real parse has stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows
from tests.harness.proven_target import edit_behind, served_target

pytestmark = [pytest.mark.req("R82"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]

STEADY = {"north": "equal", "south": "equal", "steady": "equal", "chance": "unsteady"}


@pytest.fixture
def target(empty_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReleaseDagBundle:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    return served_target(empty_world, tmp_path)


def prove(world: World, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and the rows by DAG id."""
    done = airflow(world, "prove", "prod", *arguments, "--output", "json")
    assert done.stdout, done.stderr
    return done.returncode, {row["dag_id"]: row for row in json.loads(done.stdout)}


def standings(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {dag_id: row["standing"] for dag_id, row in found.items()}


def test_what_airflow_serves_is_what_the_code_makes(empty_world: World, target: ReleaseDagBundle) -> None:
    done = airflow(empty_world, "prove", "prod", "--all", "--jobs", "2", "--output", "json")

    found = {row["dag_id"]: row for row in rows(done)}
    assert standings(found) == {**STEADY, "hand": "equal"}
    assert "it depends on the clock, or on chance" in found["chance"]["detail"]
    assert "4 of 4 files: " in done.stderr
    assert "onfined: " in done.stderr


def test_a_dag_that_was_changed_behind_the_back_is_told_with_the_place(
    empty_world: World, target: ReleaseDagBundle
) -> None:
    edit_behind(empty_world, target, "hand.py", "0 0 * * *", "0 * * * *")

    code, found = prove(empty_world, "--all")

    assert (code, standings(found)) == (1, {**STEADY, "hand": "different"})
    assert 'Airflow serves "0 * * * *", the code makes "0 0 * * *".' in found["hand"]["detail"]

    code, found = prove(empty_world, "--dag-id", "hand", "--dag-id", "north")
    assert (code, standings(found)) == (1, {"hand": "different", "north": "equal"})
    code, found = prove(empty_world, "--dag-id", "south")
    assert (code, standings(found)) == (0, {"south": "equal"})


def test_what_one_side_lacks_is_missing(empty_world: World, target: ReleaseDagBundle) -> None:
    from airflow.models.dag import DagModel

    edit_behind(empty_world, target, "pair.py", '"south"', '"west"')
    with empty_world.session() as session:
        gone = update(DagModel).where(DagModel.dag_id.in_(["south", "steady"])).values(is_stale=True)
        session.execute(gone)
        session.commit()

    code, found = prove(empty_world, "--all")

    assert code == 1
    assert {dag_id for dag_id, row in found.items() if row["standing"] == "missing"} == {
        "south",
        "steady",
        "west",
    }
    assert found["west"]["detail"] == "Airflow serves it, and pair.py makes no such Dag."
    assert found["south"]["detail"] == "pair.py makes it, and Airflow does not serve it."


def test_a_file_that_airflow_could_not_import_is_broken(empty_world: World, target: ReleaseDagBundle) -> None:
    edit_behind(empty_world, target, "hand.py", "from airflow", "import not_here\nfrom airflow")

    code, found = prove(empty_world, "--all")

    assert (code, found["hand"]["standing"]) == (1, "broken")
    assert "It runs here, and Airflow could not import it: ModuleNotFoundError" in found["hand"]["detail"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prod"], "Say --all for every Dag, or --dag-id for some of them."),
        (["prod", "--all", "--dag-id", "x"], "Say --all for every Dag, or --dag-id for some of them."),
        (["prod", "--all", "--jobs", "-1"], "--jobs is -1"),
        (["staging", "--all"], "There is no environment 'staging'"),
        (["prod", "--all"], "Nothing was released to 'prod' yet"),
    ],
)
def test_what_cannot_be_proven_is_one_line(empty_world: World, arguments: list[str], said: str) -> None:
    done = airflow(empty_world, "prove", *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_a_dag_that_the_environment_lacks_is_named(empty_world: World, target: ReleaseDagBundle) -> None:
    done = airflow(empty_world, "prove", "prod", "--dag-id", "nobody")

    assert done.returncode == 1
    assert done.stderr.startswith("'prod' has no Dag nobody;")
