"""What versions depend on is kept once they are in the target, and asked of every later release."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Observation, Release
from airflow_release_plugin.services.releases import work
from tests.harness.context import PIPELINE, World
from tests.harness.databases import counted
from tests.harness.footprints import approved, seen

pytestmark = pytest.mark.req("R82")


def released(world: World, *items: CheckItem, paths: list[str] | None = None) -> Release:
    """A release of the files that the items are about, in the target."""
    return world.promote(approved(world, *items, paths=paths))


def affected_by(world: World, path: str) -> list[str]:
    """What the check of a release of this file would run."""
    release = world.request(world.submit(path))
    return work.work_of(world.ctx, actor=PIPELINE, release_id=release.id).dag_files


def kept(world: World) -> dict[str, Footprint]:
    """Footprints in the database, by DAG file of the version."""
    world.ctx.session.flush()
    rows = world.ctx.session.scalars(select(Observation))
    live = {
        item.submission_id: item.path
        for row in world.ctx.session.scalars(select(Release))
        for item in row.items
    }
    return {live[row.submission_id]: Footprint.from_dict(row.footprint) for row in rows}


@pytest.mark.parametrize(
    ("kinds", "files"),
    [
        ({"listed": {"conf"}}, {"conf/b.yaml": "b: 1\n"}),
        ({"missing": {"conf/b.yaml"}}, {"conf/b.yaml": "b: 1\n"}),
        ({"modules": {"nspkg", "nspkg/mod"}}, {"nspkg/__init__.py": "x = 1\n"}),
        ({"modules": {"later"}}, {"later.py": "x = 1\n"}),
    ],
    ids=["a listed folder", "a missed file", "a namespace", "a missed module"],
)
def test_a_dag_that_a_new_file_may_change_is_run_too(
    world: World, kinds: dict[str, set[str]], files: dict[str, str]
) -> None:
    world.write("conf/a.yaml", "a: 1\n")
    for name in ("other", "bystander"):
        world.dag(name)
    released(world, seen("other.py", **kinds), seen("bystander.py"))
    for path, text in files.items():
        world.write(path, text)
    lines = "".join(
        f"open('{path}')\n" if path.endswith("yaml") else f"import {path.split('/')[0].removesuffix('.py')}\n"
        for path in files
    )
    world.dag("new", lines=lines)

    assert affected_by(world, "new.py") == ["new.py", "other.py"]


def test_a_module_that_becomes_a_package_affects_who_imports_it(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    for name in ("one", "two"):
        world.dag(name, lines="import lib")
    released(world, *[seen(f"{name}.py", used={"lib.py"}, modules={"lib"}) for name in ("one", "two")])
    world.write("lib/__init__.py", "x = 2\n")

    assert affected_by(world, "one.py") == ["one.py", "two.py"]


def test_what_nobody_has_watched_is_judged_by_its_text(world: World) -> None:
    world.write("conf/a.yaml", "a: 1\n")
    world.write("nspkg/mod.py", "x = 1\n")
    text = "import pathlib\nconf = pathlib.Path(__file__).parent / 'conf'\nfound = [*conf.glob('*.yaml')]"
    world.released(
        world.dag("lists", lines=text),
        world.dag("imports", lines="import nspkg.mod"),
        world.dag("misses", lines="try:\n    import extras\nexcept ImportError:\n    pass"),
        world.dag("bystander"),
    )
    assert kept(world) == {}

    world.write("conf/b.yaml", "b: 1\n")
    assert affected_by(world, world.dag("one", lines="open('conf/b.yaml')")) == ["lists.py", "one.py"]
    world.write("nspkg/__init__.py", "")
    assert affected_by(world, world.dag("two", lines="import nspkg.mod")) == ["imports.py", "two.py"]
    world.write("extras.py", "x = 1\n")
    assert affected_by(world, world.dag("three", lines="import extras")) == ["misses.py", "three.py"]


def test_what_was_more_than_a_report_keeps_is_affected_by_everything(world: World) -> None:
    for name in ("big", "small"):
        world.dag(name)
    cut = CheckItem(
        "parse", CheckStatus.PASSED, "big.py", facts={"footprint": Footprint(is_whole=False).to_dict()}
    )
    released(world, cut, seen("small.py"))

    assert affected_by(world, world.dag("new")) == ["big.py", "new.py"]


def test_a_file_that_only_tasks_read_still_counts(world: World) -> None:
    world.write("sql/q.sql", "select 1\n")
    read = "def task():\n    return open('sql/q.sql').read()"
    for name in ("one", "two"):
        world.dag(name, lines=read)
    released(world, seen("one.py"), seen("two.py"))
    world.write("sql/q.sql", "select 2\n")

    assert affected_by(world, "one.py") == ["one.py", "two.py"]


def test_it_is_kept_with_the_version_when_that_lands_and_goes_with_it(world: World) -> None:
    world.dag("etl")
    release = world.decide(
        world.report(world.request(world.submit("etl.py")), [seen("etl.py", listed={"a"})])
    )
    assert kept(world) == {}

    world.promote(release)
    assert kept(world) == {"etl.py": Footprint(frozenset({"etl.py"}), listed=frozenset({"a"}))}

    world.dag("etl", lines="x = 2")
    released(world, seen("etl.py", listed={"b"}))
    assert kept(world) == {"etl.py": Footprint(frozenset({"etl.py"}), listed=frozenset({"b"}))}

    world.delete("etl.py")
    world.dag("other")
    released(world, seen("other.py"), paths=["etl.py", "other.py"])
    assert list(kept(world)) == ["other.py"]


def test_what_a_release_makes_of_others_is_kept_with_them(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    for name in ("one", "two"):
        world.dag(name, lines="import lib")
    released(world, *[seen(f"{name}.py", used={"lib.py"}) for name in ("one", "two")])
    world.write("lib.py", "x = 2\n")

    released(
        world,
        seen("one.py", used={"lib.py"}),
        seen("two.py", used={"lib.py"}, listed={"x"}),
        paths=["one.py"],
    )

    assert kept(world)["two.py"].listed == {"x"}


def test_facts_that_nobody_could_read_later_are_refused(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))
    wrong = CheckItem("parse", CheckStatus.PASSED, "etl.py", facts={"footprint": {"used": "etl.py"}})

    with pytest.raises(InvalidRequestError, match="not readable: 'used' of a footprint is no list of paths"):
        world.report(release, [wrong])


def test_the_number_of_queries_does_not_grow_with_the_target(world: World) -> None:
    world.dag("first")
    released(world, seen("first.py"))
    world.write("conf/a.yaml", "a: 1\n")
    release = world.request(world.submit(world.dag("new", lines="open('conf/a.yaml')")))
    with counted(world.ctx.session.get_bind()) as few:
        work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)
    names = [f"dag_{number}" for number in range(30)]
    for name in names:
        world.dag(name)
    released(world, *[seen(f"{name}.py") for name in names])

    with counted(world.ctx.session.get_bind()) as many:
        work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)

    assert len(many) <= len(few)
