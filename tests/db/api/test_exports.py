"""Exports over REST: names as people paste them, and the file, whole or in parts."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from airflow_release_plugin.services.exports import job
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.api.world import SERVICE, World, error_of, ok

pytestmark = pytest.mark.req("R50", "R51", "R57")


@pytest.fixture
def world(world: World) -> World:
    """``etl`` is released."""
    world.released()
    KeyFolder(world.folder / "keys").generate()
    return world


def match(world: World, *names: str, **body: Any) -> Any:
    return world.as_("author").post("/exports/match", json={"names": names, **body})


@pytest.mark.parametrize(
    "names",
    [["etl"], ["  etl\t"], ["\ufeffetl"], ["etl\r\n\r\n \t\r\netl\r\n"], ["etl", "", "etl", "\u200betl "]],
)
def test_names_are_found_however_they_were_pasted(world: World, names: list[str]) -> None:
    answer = ok(match(world, *names))

    assert [dag["dag_id"] for dag in answer["found"]] == ["etl"]
    assert answer["not_found"] == []


def test_a_name_that_matches_nothing_comes_with_a_near_one(world: World) -> None:
    answer = ok(match(world, "elt", "zzz"))

    assert answer["found"] == []
    assert [unknown["name"] for unknown in answer["not_found"]] == ["elt", "zzz"]


def test_200_names_are_taken_and_201_are_not(world: World) -> None:
    names = [f"dag_{number}" for number in range(201)]

    assert len(ok(match(world, *names[:200]))["not_found"]) == 200
    assert error_of(match(world, *names)) == (422, "invalid_request")
    assert "201 Dags are named" in match(world, *names).json()["detail"]


@pytest.mark.parametrize("name", ["x" * 1001, "a\x00b", "\ud800"])
def test_a_name_that_cannot_be_one_has_the_wrong_shape(world: World, name: str) -> None:
    body = '{"names": ["' + name.encode("unicode_escape").decode().replace("\\x00", "\\u0000") + '"]}'
    answer = world.as_("author").post(
        "/exports/match", content=body, headers={"Content-Type": "application/json"}
    )

    assert error_of(answer) == (422, "invalid_request")


def test_a_bundle_is_asked_for_made_and_fetched(world: World) -> None:
    author = world.as_("author")
    asked = ok(author.post("/exports", json={"names": ["etl"]}))
    assert (asked["state"], asked["dag_ids"]) == ("queued", ["etl"])

    job.run_once()

    ready = ok(author.get(f"/exports/{asked['id']}"))
    answer = author.get(f"/exports/{asked['id']}/file")
    assert ready["state"] == "ready"
    assert ready["done"] == ready["total"] > 0
    assert len(answer.content) == ready["file_size"]
    assert hashlib.sha256(answer.content).hexdigest() == ready["file_sha256"]
    assert answer.headers["etag"] == f'"{ready["file_sha256"]}"'
    assert answer.headers["content-disposition"] == f'attachment; filename="{ready["file_name"]}"'


def test_a_download_that_broke_off_goes_on_where_it_was(world: World) -> None:
    number = world.export("etl")
    author = world.as_("author")
    whole = author.get(f"/exports/{number}/file").content

    first = author.get(f"/exports/{number}/file", headers={"Range": "bytes=0-99"})
    rest = author.get(
        f"/exports/{number}/file", headers={"Range": "bytes=100-", "If-Range": first.headers["etag"]}
    )

    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole
    assert rest.headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    # the rest belongs to a download that was counted already
    assert ok(author.get(f"/exports/{number}"))["downloads"] == 2


def test_a_part_that_is_not_there_is_refused(world: World) -> None:
    number = world.export("etl")

    answer = world.as_("author").get(f"/exports/{number}/file", headers={"Range": "bytes=99999999-"})

    assert answer.status_code == 416


def test_what_was_discarded_is_gone(world: World) -> None:
    number = world.export("etl")
    author = world.as_("author")
    assert ok(author.delete(f"/exports/{number}"))["state"] == "expired"

    assert error_of(author.get(f"/exports/{number}/file")) == (410, "expired")


def test_who_waits_hears_that_it_is_ready(world: World) -> None:
    number = world.export("etl")
    known = {f"export:{number}": "queued", "export:999": ""}

    answer = ok(world.as_(SERVICE).post("/watch", json={"known": known, "wait": 0}))

    assert answer["changed"] == {f"export:{number}": "ready", "export:999": "missing"}


def test_airflows_own_records_tell_types_and_links(world: World) -> None:
    """What the dag processor stored is enough: the connection's type, and what the DAG depends on."""
    from airflow.models.connection import Connection

    world.write(
        "waits.py",
        """
import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, Asset

with DAG("waits", schedule=[Asset("orders")], start_date=pendulum.datetime(2024, 1, 1)):
    ExternalTaskSensor(task_id="a", external_dag_id="etl") >> TriggerDagRunOperator(
        task_id="b", trigger_dag_id="etl", outlets=[Asset("done")]
    )
CONN_ID = "warehouse"
""",
    )
    world.parse()
    with world.session() as session:
        session.add(Connection(conn_id="warehouse", conn_type="postgres", password="hunter2"))
        session.commit()
    body = {"names": ["waits"], "origin": "source", "with_upstream": True}
    asked = ok(world.as_("admin").post("/exports", json=body))
    job.run_once()

    content = world.as_("admin").get(f"/exports/{asked['id']}/file").content
    unit = next(u for u in manifest_of(world, content)["units"] if u["path"] == "waits.py")

    assert asked["dag_ids"] == ["etl", "waits"]
    assert unit["connections"] == [{"id": "warehouse", "type": "postgres"}]
    assert (unit["upstream_dags"], unit["triggered_dags"]) == (["etl"], ["etl"])
    assert (unit["assets_in"], unit["assets_out"]) == (["orders"], ["done"])
    assert b"hunter2" not in content


def manifest_of(world: World, content: bytes) -> dict[str, Any]:
    from datetime import datetime, timezone

    from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey
    from airflow_release_plugin.transfer.reader import open_bundle

    path = world.folder / "fetched.dagbundle"
    path.write_bytes(content)
    now = datetime.now(timezone.utc)
    key = TrustedKey("us", KeyFolder(world.folder / "keys").signing_key().public_key, now)
    with open_bundle(path, trusted=[key], now=now) as bundle:
        return bundle.manifest.to_dict()
