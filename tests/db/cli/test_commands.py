"""``airflow release …`` as people type it; one that succeeds and one that fails as processes of their own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from airflow_release_plugin.models import Event
from airflow_release_plugin.store.database import database_store
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World, ok
from tests.db.cli.conftest import airflow, rows
from tests.harness.manual_edits import push_by_hand

pytestmark = [pytest.mark.req("R73"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


def in_a_process(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as people do."""
    url = world.engine.url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-m", "airflow", "release", *arguments],
        env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url, "_AIRFLOW__AS_LIBRARY": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_releases_are_listed_and_shown(world: World) -> None:
    release = world.awaiting()

    (row,) = rows(in_a_process(world, "list", "--state", "awaiting_approval", "--output", "json"))
    assert (row["number"], row["dag_ids"], row["requested_by"]) == (release["number"], ["etl"], "author")

    shown = rows(airflow(world, "show", release["number"], "--output", "json"))
    facts = {row["property"]: row["value"] for row in shown}
    assert (facts["digest"], facts["items"]) == (release["change_digest"], ["etl.py v1 (new)"])


def test_the_list_is_narrowed_as_on_the_page(world: World) -> None:
    release = world.awaiting()

    def numbers(*narrowed: str) -> list[str]:
        return [row["number"] for row in rows(airflow(world, "list", *narrowed, "--output", "json"))]

    assert numbers("--requested-by", "author", "--requested-after", "2026-01-01") == [release["number"]]
    assert numbers("--requested-before", "2026-01-01T00:00:00+01:00") == []
    done = airflow(world, "list", "--released-after", "yesterday")
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "'yesterday' is no time; write 2027-01-31 or 2027-01-31T18:00:00+01:00.",
    )


def test_a_release_that_does_not_exist_is_one_line_and_exit_code_1(world: World) -> None:
    done = in_a_process(world, "show", "R-000999")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "There is no release 999 that you may see."


def test_health_says_what_is_not_as_it_should_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submit()
    assert rows(airflow(world, "health", "--output", "json")) == [{"status": "healthy", "problem": ""}]

    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", "banana")
    done = airflow(world, "health", "--output", "json")

    assert (done.returncode, json.loads(done.stdout)) == (
        1,
        [
            {
                "status": "unhealthy",
                "problem": "setting role: [release] role has a value that makes no sense. Set it as the "
                "reference of settings says, which has what counts until then.",
            }
        ],
    )


def test_a_changed_line_of_the_trail_is_found(world: World) -> None:
    world.submit()
    assert rows(airflow(world, "verify-audit", "--output", "json"))[0]["status"] == "intact"

    with world.session() as session:
        session.execute(update(Event).where(Event.sequence == 1).values(actor_name="somebody else"))
        session.commit()
    done = airflow(world, "verify-audit", "--output", "json")

    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["status"], row["first_broken_event"]) == (1, "broken", "1")
    assert ok(world.as_("admin").get("/events"))["total_entries"] == 1


@pytest.mark.req("R21")
def test_what_cannot_be_adopted_is_one_line_and_exit_code_1(world: World) -> None:
    done = airflow(world, "adopt", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No bundle of this Airflow is named 'nowhere' or reads that folder.")

    done = airflow(world, "adopt", "--verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("'prod' was not adopted from a bundle")

    assert "Name the bundle or folder" in airflow(world, "adopt").stderr


@pytest.mark.req("R50")
def test_dags_are_exported_into_a_file(world: World, tmp_path: Path) -> None:
    world.released()
    target = tmp_path / "to go.dagbundle"
    rows(airflow(world, "keys", "generate", "--output", "json"))

    (made,) = rows(airflow(world, "export", "etl", "--upstream", "--file", str(target), "--output", "json"))

    assert made["dag_ids"] == ["etl"]
    assert hashlib.sha256(target.read_bytes()).hexdigest() == made["sha256"]


@pytest.mark.req("R50")
def test_an_export_of_what_is_not_there_says_what_was_meant(world: World) -> None:
    world.released()

    done = airflow(world, "export", "elt")

    assert done.returncode == 1
    assert "Not found, or not yours to export: elt" in done.stderr


@pytest.mark.req("R77")
def test_what_was_changed_by_hand_is_adopted(world: World) -> None:
    world.released()
    text = (world.folder / "dev" / "etl.py").read_text()
    with world.session() as session:
        push_by_hand(database_store(session), "etl.py", f"{text}\n# by hand\n")
        session.commit()

    looked = rows(airflow(world, "verify", "--adopt", "--dry-run", "--output", "json"))
    assert [(row["what"], row["name"]) for row in looked[:2]] == [
        ("modified", "etl.py"),
        ("new version", "etl.py"),
    ]
    assert "reviewer" in {row["name"] for row in looked if row["what"] == "may approve"}
    assert "nobody chosen" in airflow(world, "verify", "--adopt").stderr

    (made,) = rows(airflow(world, "verify", "--adopt", "--reviewer", "reviewer", "--output", "json"))
    shown = rows(airflow(world, "show", made["number"], "--output", "json"))
    assert {row["property"]: row["value"] for row in shown}["items"] == ["etl.py v2 (modified)"]
    assert rows(airflow(world, "verify", "--output", "json"))[0]["kind"] == "as approved"


@pytest.mark.req("R8")
def test_a_release_is_tried_again(world: World) -> None:
    release = world.request(world.submit("etl.py"))
    ok(world.as_("admin").post(f"/releases/{release['id']}/errored", json={"reason": "no disk"}))

    (row,) = rows(airflow(world, "retry", release["number"], "--output", "json"))

    assert (row["state"], row["attempt"]) == ("checking", "2")
    refused = airflow(world, "retry", release["number"])
    assert (refused.returncode, "only failed, errored and stale ones" in refused.stderr) == (1, True)


@pytest.mark.req("R19")
def test_an_environment_is_held_but_for_one_release_and_let_go(world: World) -> None:
    release = world.request(world.submit("etl.py"))

    (held,) = rows(
        airflow(
            world, "hold", "prod", "--reason", "It moves", "--except", release["number"], "--output", "json"
        )
    )
    assert (held["reason"], held["until"], held["excepted"]) == ("It moves", "", [release["number"]])
    shown = ok(world.as_("author").get("/environments/prod"))["hold"]
    assert (shown["reason"], shown["excepted"]) == ("It moves", [release["id"]])
    assert "command line" in shown["held_by"]["name"]

    rows(airflow(world, "unhold", "prod", "--output", "json"))
    assert ok(world.as_("author").get("/environments/prod"))["hold"] is None
    again = airflow(world, "unhold", "prod")
    assert (again.returncode, "is not held" in again.stderr) == (1, True)
