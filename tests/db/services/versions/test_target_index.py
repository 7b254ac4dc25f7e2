"""What a release costs does not depend on how many versions the target holds beside those it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Observation, Release, Report, Submission, TargetMark
from airflow_release_plugin.services.releases import work
from airflow_release_plugin.services.verification import verification
from airflow_release_plugin.services.versions import risk
from tests.conftest import BACKENDS
from tests.harness.context import PIPELINE, World, with_settings
from tests.harness.databases import counted
from tests.harness.footprints import approved, seen

pytestmark = pytest.mark.req("R82", "R93")


@contextmanager
def loaded() -> Iterator[list[str]]:
    """Versions, footprints and reports that are read from the database while the block runs."""
    rows: list[str] = []

    def note(row: object, _context: object) -> None:
        rows.append(type(row).__name__)

    kinds = (Submission, Observation, Report)
    for kind in kinds:
        event.listen(kind, "load", note)
    try:
        yield rows
    finally:
        for kind in kinds:
            event.remove(kind, "load", note)


def bystanders(world: World, first: int, many: int) -> None:
    """DAGs in the target that have nothing to do with anything else, each by a release of its own."""
    for number in range(first, first + many):
        world.write(f"conf_{number}/a.yaml", "a: 1\n")
        world.dag(f"dag_{number}", lines=f"open('conf_{number}/a.yaml')")
        world.promote(approved(world, seen(f"dag_{number}.py", used={f"conf_{number}/a.yaml"})))


def way_to_the_target(world: World, text: str) -> tuple[list[str], list[str]]:
    """Rows and statements of a release of ``one.py`` and ``lib.py``, from its request to the look at it."""
    world.write("lib.py", f"x = {text!r}\n")
    version = world.submit(world.dag("one", lines=f"import lib  # {text}"))
    world.ctx.session.commit()
    world.ctx.session.expunge_all()
    world.twin.serve(world.store, "prod", str(world.head))
    with counted(world.ctx.session.get_bind()) as statements, loaded() as rows:
        release = world.request(version)
        work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)
        release = world.decide(
            world.report(release, [seen(f"{n}.py", used={"lib.py"}) for n in ("one", "two")])
        )
        world.promote(release)
        verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)
    return rows, statements


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_as_many_rows_are_read_among_twelve_as_among_three(
    session_factory: sessionmaker[Session], world: World
) -> None:
    with session_factory() as session:
        world = with_settings(world.with_session(session), verify_timeout=60)
        world.write("lib.py", "x = 1\n")
        world.released(*(world.dag(name, lines="import lib") for name in ("one", "two")))
        bystanders(world, 0, 3)
        way_to_the_target(world, "warm")
        few_rows, few = way_to_the_target(world, "few")
        bystanders(world, 3, 9)
        many_rows, many = way_to_the_target(world, "many")

    assert sorted(many_rows) == sorted(few_rows)
    assert len(many) == len(few)


def test_a_version_that_leaves_the_target_is_filed_no_more(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    world.released(world.dag("one", lines="import lib"))
    for text in ("x = 2\n", "x = 3\n"):
        world.write("lib.py", text)
        world.released("one.py")
    world.ctx.session.flush()
    filed = set(world.ctx.session.scalars(select(TargetMark.submission_id)))
    live = world.ctx.session.scalars(select(func.max(Submission.id))).one()
    assert filed == {live}

    world.delete("one.py")
    world.released("one.py")
    assert world.ctx.session.scalar(select(func.count()).select_from(TargetMark)) == 0


def parsed(path: str, dag_id: str, *, awaits: str = "", asset: str = "", makes: str = "") -> CheckItem:
    """What a check found in a file of one DAG."""
    dag = {
        "dag_id": dag_id,
        "assets_in": [asset] if asset else [],
        "assets_out": [makes] if makes else [],
    }
    references = {"awaited_dags": [awaits] if awaits else []}
    return CheckItem("parse", CheckStatus.PASSED, path, facts={"dags": [dag], "references": references})


def impacted(world: World, release: Release) -> tuple[str, ...]:
    return risk.facts_of(world.ctx, release).impacted


def test_who_waits_for_a_dag_or_is_started_by_an_asset_is_found(world: World) -> None:
    for name in ("waits", "starts", "bystander"):
        world.dag(name)
    items = [
        parsed("waits.py", "waits", awaits="etl"),
        parsed("starts.py", "starts", asset="orders"),
        parsed("bystander.py", "bystander"),
    ]
    world.promote(approved(world, *items))
    release = world.request(world.submit(world.dag("etl")))
    release = world.report(release, [parsed("etl.py", "etl", makes="orders")])

    assert impacted(world, release) == ("starts", "waits")


def test_others_that_a_release_ran_are_filed_with_what_was_seen_of_them(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    for name in ("one", "two"):
        world.dag(name, lines="import lib")
    world.promote(approved(world, *(parsed(f"{name}.py", name) for name in ("one", "two"))))
    world.write("lib.py", "x = 2\n")
    others = [
        replace(item, facts={**item.facts, **seen(item.path, used={"lib.py"}, listed={"later"}).facts})
        for item in (parsed("one.py", "one"), parsed("two.py", "two", awaits="new"))
    ]
    world.promote(approved(world, *others, paths=["one.py"]))

    world.write("later/a.yaml", "a: 1\n")
    release = world.request(world.submit(world.dag("new", lines="open('later/a.yaml')")))
    assert work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).dag_files == [
        "new.py",
        "one.py",
        "two.py",
    ]
    assert impacted(world, release) == ("two",)
