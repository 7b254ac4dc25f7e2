"""A check still counts after others have landed, where neither meets what the other depends on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import Event, Release, Report
from airflow_release_plugin.repositories import events
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.releases import checks
from tests.conftest import BACKENDS
from tests.harness.context import PASSED, World
from tests.harness.footprints import approved, seen

pytestmark = pytest.mark.req("R82")


def checks_of(world: World, release: Release) -> list[Report]:
    world.ctx.session.flush()
    return [
        row
        for row in report_queries.of_release(world.ctx.session, release.id)
        if row.kind is ReportKind.CHECK
    ]


def held(world: World, release: Release) -> list[Event]:
    found = events.events_of(world.ctx.session, f"release:{release.id}").items
    return [event for event in found if event.tag == EventTag.RELEASE_PROOF_HELD]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_eight_releases_approved_at_once_land_with_one_check_each(world: World) -> None:
    names = [f"dag_{number}" for number in range(8)]
    for name in names:
        world.write(f"conf/{name}.yaml", name)
        world.dag(name, lines=f"open('conf/{name}.yaml')")
    waiting = [approved(world, seen(f"{name}.py", used={f"conf/{name}.yaml"})) for name in names]
    started = len(world.twin.triggers)

    for release in waiting:
        assert world.promote(release).state is ReleaseState.RELEASED

    assert [len(checks_of(world, release)) for release in waiting] == [1] * 8
    assert len(world.twin.triggers) == started
    assert sorted(world.target()) == sorted([*(f"{n}.py" for n in names), *(f"conf/{n}.yaml" for n in names)])
    assert [len(held(world, release)) for release in waiting] == [0] + [1] * 7


def test_the_trail_says_what_it_was_checked_on_and_why_it_still_counts(world: World) -> None:
    world.promote(approved(world, seen(world.dag("zero"))))
    checked_on = world.head
    first, second = (approved(world, seen(world.dag(name))) for name in ("one", "two"))
    world.promote(first)
    landed_on = world.head
    world.promote(second)

    (event,) = held(world, second)
    assert (event.data["checked_on"], event.data["commit"]) == (checked_on, landed_on)
    assert "meets nothing that its Dag files depend on" in event.data["reason"]
    assert second.base_commit == landed_on
    assert world.store.commit_facts(str(world.head)).parents == (landed_on,)


def new_file(world: World, path: str) -> str:
    """A DAG that brings a file."""
    world.write(path, "x = 1\n")
    return world.dag("brings", lines=f"open('{path}')")


@pytest.mark.parametrize(
    ("kinds", "path"),
    [
        ({"listed": {"conf"}}, "conf/b.yaml"),
        ({"missing": {"conf/b.yaml"}}, "conf/b.yaml"),
        ({"modules": {"pkg"}}, "pkg/__init__.py"),
    ],
    ids=["listed", "missed", "imported"],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["it landed before", "it lands now"])
def test_two_that_meet_are_checked_one_on_top_of_the_other(
    world: World, kinds: dict[str, set[str]], path: str, is_first: bool
) -> None:
    world.write("conf/a.yaml", "a: 1\n")
    world.promote(approved(world, seen(world.dag("zero", lines="open('conf/a.yaml')"), used={"conf/a.yaml"})))
    depends = approved(world, seen(world.dag("depends"), **kinds))
    brings = approved(world, seen(new_file(world, path), used={path}))
    first, second = (brings, depends) if is_first else (depends, brings)
    world.promote(first)

    assert world.promote(second).state is ReleaseState.CHECKING
    told = path.removesuffix("/__init__.py")
    assert f"depends.py depends on {told}, which" in second.state_reason
    assert held(world, second) == []
    own = [seen("depends.py", **kinds)] if is_first else [seen("brings.py"), seen("depends.py", **kinds)]
    assert world.report(second, own).state is ReleaseState.APPROVED
    assert world.promote(second).state is ReleaseState.RELEASED


def test_an_ignore_file_is_looked_at_anew(world: World) -> None:
    first = approved(world, seen(world.dag("one")))
    world.write(".airflowignore", "notes\n")
    second = approved(world, seen(world.dag("two")))
    world.promote(first)

    assert world.promote(second).state is ReleaseState.CHECKING
    assert ".airflowignore decides which Dag files Airflow finds" in second.state_reason


def test_what_a_dag_outside_of_the_release_depends_on_counts_too(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    for name in ("user", "owner"):
        world.dag(name, lines="import lib")
    world.promote(approved(world, *[seen(f"{name}.py", used={"lib.py"}) for name in ("user", "owner")]))
    world.write("lib.py", "x = 2\n")
    # The check of the new helper ran its other user, which it made look for a file.
    helper = approved(
        world,
        seen("owner.py", used={"lib.py"}),
        seen("user.py", used={"lib.py"}, missing={"conf/b.yaml"}),
        paths=["owner.py"],
    )
    world.promote(approved(world, seen(new_file(world, "conf/b.yaml"), used={"conf/b.yaml"})))

    assert world.promote(helper).state is ReleaseState.CHECKING
    assert "user.py depends on conf/b.yaml, which has changed since its check" in helper.state_reason


def test_a_release_with_tests_of_its_own_is_tested_again(world: World) -> None:
    release = world.request(world.submit(world.dag("tested")))
    for kind, items in ((ReportKind.TEST, PASSED), (ReportKind.CHECK, [seen("tested.py")])):
        role = None if kind is ReportKind.TEST else TaskRole.CHECK
        checks.report(
            world.ctx,
            actor=world.task(release, role),
            release_id=release.id,
            kind=kind,
            attempt=1,
            items=items,
        )
    world.decide(release)
    world.promote(approved(world, seen(world.dag("other"))))

    assert world.promote(release).state is ReleaseState.CHECKING
    assert "its tests ran in the target as it was" in release.state_reason


def unwatched(world: World) -> Release:
    return approved(world, *PASSED, paths=[world.dag("late")])


def cut(world: World) -> Release:
    facts = {"footprint": {"used": [world.dag("late")], "is_whole": False}}
    return approved(world, CheckItem("parse", CheckStatus.PASSED, "late.py", facts=facts))


@pytest.mark.parametrize("make", [unwatched, cut])
def test_a_check_that_does_not_tell_everything_is_made_again(
    world: World, make: Callable[[World], Release]
) -> None:
    release = make(world)
    world.promote(approved(world, seen(world.dag("other"))))

    assert world.promote(release).state is ReleaseState.CHECKING
