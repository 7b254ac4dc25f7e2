"""A server that is killed in the middle of something: the next one finishes it, or nothing of it is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.models import Event, Export, FileChunk, Import, Release, Submission, Unit
from airflow_release_plugin.repositories import objects as object_queries
from airflow_release_plugin.repositories import refs as ref_queries
from airflow_release_plugin.services.exports import bundle as export_bundle
from airflow_release_plugin.services.exports import job as export_job
from airflow_release_plugin.services.imports import job as import_job
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.claims import LEASE
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.store.release_store import ReleaseStore
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.stored_file import StoredFile
from tests.conftest import BACKENDS
from tests.db.api.world import World, ok
from tests.harness.outbox import NOTIFIER
from tests.harness.preflights import unit
from tests.harness.process_kill import Moment, kill, refs, restart, rows

TWO_FILES = {"a.py": b"# a\n", "b.py": b"# b\n"}


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def kept(found: Mapping[str, str]) -> set[str]:
    """Refs but for that of the source's snapshot, which is named by what the folder held."""
    return {name for name in found if not name.startswith("refs/snapshots/")}


def everything(world: World) -> Any:
    """What a restart might change."""
    return rows(world.engine), refs(world.engine)


def is_settled(world: World) -> None:
    """The trail is whole, no file is half, and another restart changes nothing."""
    before = everything(world)
    restart(world.engine)
    assert everything(world) == before
    with unit_of_work() as (ctx, _):
        assert audit.first_broken_link(ctx) is None


def count(world: World, *models: type[Any]) -> list[int]:
    with world.session() as session:
        return [session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


def lease_ends(world: World, model: type[Any]) -> None:
    """Let so much time pass that whoever was at work counts as dead."""
    with world.session() as session:
        row = session.scalars(select(model)).one()
        row.beat_at -= LEASE + timedelta(seconds=1)
        session.commit()


# imports


@pytest.fixture
def asked(empty_world: World) -> World:
    """Somebody asked for a release of an import with two DAGs."""
    empty_world.parse_pipelines()
    data = empty_world.bundle(content=TWO_FILES, units=(unit("a"), unit("b")))
    row, admin = empty_world.imported(data), empty_world.as_("admin")
    ok(admin.post(f"/imports/{row['id']}/preflight", json={}))
    ok(admin.post(f"/imports/{row['id']}/apply", json={"mode": "release", "reviewers": ["reviewer"]}))
    return empty_world


APPLYING = {
    "its files are in the store": Moment(ReleaseStore, "write_files", after=True),
    "one of two versions gets its ref": Moment(ref_queries, "create", on="refs/submissions/a", after=True),
    "its objects are written": Moment(object_queries, "add", after=True),
    "all is written and nothing committed": Moment(Session, "commit", number=2),
}


@pytest.mark.req("R54", "R56")
@pytest.mark.parametrize("moment", APPLYING)
def test_an_import_of_a_killed_server_is_not_here_until_another_has_finished_it(
    asked: World, moment: str
) -> None:
    from airflow.models.dagrun import DagRun

    kill(APPLYING[moment], asked.engine, import_job.run_once)
    restart(asked.engine)
    assert count(asked, Unit, Submission, Release, DagRun) == [0, 0, 0, 0]

    lease_ends(asked, Import)
    restart(asked.engine)

    is_applied(asked)
    is_settled(asked)


@pytest.mark.req("R54", "R56")
def test_an_import_is_applied_once_though_its_server_was_killed_right_after(asked: World) -> None:
    kill(Moment(Session, "commit", number=2, after=True), asked.engine, import_job.run_once)

    restart(asked.engine)

    is_applied(asked)
    is_settled(asked)


def is_applied(world: World) -> None:
    from airflow.models.dagrun import DagRun

    row = ok(world.as_("admin").get("/imports/1"))
    release = ok(world.as_("admin").get(f"/releases/{row['release_id']}"))
    assert (row["state"], release["state"]) == ("applied", "checking")
    assert [item["path"] for item in release["items"]] == list(TWO_FILES)
    assert count(world, Unit, Submission, Release, DagRun) == [2, 2, 1, 1]
    named = sorted(refs(world.engine))
    (snapshot,) = [name for name in named if name.startswith("refs/snapshots/")]
    assert named == ["refs/imports/bundle-1", snapshot, "refs/submissions/a/1", "refs/submissions/b/1"]
    assert count(world, FileChunk) == [0]


@pytest.mark.req("R53")
def test_an_upload_goes_on_where_it_was_noted_though_its_server_was_killed(empty_world: World) -> None:
    data, admin = empty_world.bundle(), empty_world.as_("admin")
    row = ok(admin.post("/imports", json={"file_name": "a.dagbundle", "file_size": len(data)}))
    at = f"/imports/{row['id']}/content"

    def send() -> None:
        headers = {"Content-Range": f"bytes 0-99/{len(data)}"}
        admin.put(at, content=b"?" * 100, headers=headers)

    kill(Moment(StoredFile, "append", after=True), empty_world.engine, send)
    restart(empty_world.engine)

    assert ok(admin.get(f"/imports/{row['id']}"))["received"] == 0
    assert ok(admin.put(at, content=data))["state"] == "uploaded"
    is_settled(empty_world)


# exports


@pytest.fixture
def ordered(world: World) -> World:
    """Somebody asked for an export of a released DAG."""
    world.released()
    KeyFolder(world.folder / "keys").generate()
    ok(world.as_("author").post("/exports", json={"names": ["etl"]}))
    return world


EXPORTING = {
    "half of its file is written": Moment(export_bundle._Making, "_manifest"),
    "its file is there and nobody knows": Moment(export_job, "_sha256"),
    "the database is about to know": Moment(export_job, "_ready", after=True),
}


@pytest.mark.req("R50", "R51")
@pytest.mark.parametrize("moment", EXPORTING)
def test_an_export_of_a_killed_server_is_made_anew_by_another(ordered: World, moment: str) -> None:
    kill(EXPORTING[moment], ordered.engine, export_job.run_once)
    restart(ordered.engine)
    assert ok(ordered.as_("author").get("/exports/1"))["state"] == "running"

    lease_ends(ordered, Export)
    restart(ordered.engine)

    is_made(ordered)
    is_settled(ordered)


@pytest.mark.req("R50", "R51")
def test_an_export_is_made_once_though_its_server_was_killed_right_after(ordered: World) -> None:
    kill(Moment(export_job, "_make", after=True), ordered.engine, export_job.run_once)

    restart(ordered.engine)

    is_made(ordered)
    is_settled(ordered)


def is_made(world: World) -> None:
    row = ok(world.as_("author").get("/exports/1"))
    assert row["state"] == "ready", row["error"]
    content = world.as_("author").get("/exports/1/file").content
    assert hashlib.sha256(content).hexdigest() == row["file_sha256"]


# promotions


@pytest.fixture
def approved(world: World) -> World:
    """A release that may be promoted, under a flow that tells people; Airflow knows the target."""
    from airflow.models.dagbundle import DagBundleModel

    with world.session() as session:
        session.add(DagBundleModel(name="prod"))
        session.commit()
    level = {"name": "One", "steps": [{"name": "Reviewers", "roles": ["op"]}]}
    flow = {"name": "Told", "kind": "promotion", "levels": [level], "notifiers": [NOTIFIER]}
    ok(world.as_("admin").post("/flows", json={"spec": flow}))
    ok(world.decide(world.awaiting()))
    return world


def promote(world: World) -> None:
    """What an admin's request does."""
    with unit_of_work(world.user("admin")) as (ctx, actor):
        promotions.promote(ctx, actor=actor, release_id=1)


PROMOTING = {
    "the branch has moved": Moment(ref_queries, "create", on="refs/heads/prod", after=True),
    "its objects are written": Moment(object_queries, "add", after=True),
    "all is written and nothing committed": Moment(Session, "commit"),
}


@pytest.mark.req("R8", "R40")
@pytest.mark.parametrize("moment", PROMOTING)
def test_a_promotion_of_a_killed_server_never_began(approved: World, moment: str) -> None:
    kill(PROMOTING[moment], approved.engine, lambda: promote(approved))

    restart(approved.engine)

    assert ok(approved.as_("admin").get("/releases/1"))["state"] == "approved"
    assert kept(refs(approved.engine)) == {"refs/submissions/etl/1"}
    is_settled(approved)
    promote(approved)
    is_released(approved)


@pytest.mark.req("R8")
def test_a_promotion_is_there_though_its_server_was_killed_right_after(approved: World) -> None:
    kill(Moment(Session, "commit", after=True), approved.engine, lambda: promote(approved))

    restart(approved.engine)

    is_released(approved)
    is_settled(approved)


def is_released(world: World) -> None:
    from airflow.models.dagbundle import DagBundleModel

    told: list[str] = []
    delivery.run_once(send=lambda _, notice, **__: told.append(notice["event"]))
    with world.session() as session:
        release = session.get_one(Release, 1)
        tags = session.scalars(select(Event.tag)).all()
        served = session.get_one(DagBundleModel, "prod").version
    commit = release.target_commit
    assert (release.state, served) == (ReleaseState.RELEASED, commit)
    assert tags.count(EventTag.ENVIRONMENT_PROMOTED) == 1
    assert told == ["requested", "decided", "released"]
    found = refs(world.engine)
    assert kept(found) == {"refs/heads/prod", "refs/submissions/etl/1", "refs/tags/R-000001"}
    assert found["refs/heads/prod"] == found["refs/tags/R-000001"] == commit
