"""What a change of many DAGs at once costs the database: the same statements as one of few."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.releases import lifecycle
from tests.harness.context import ADMIN, DEV, REVIEWER, World
from tests.harness.databases import counted

FEW, MANY = 2, 12
_ONE_BY_ONE = "INSERT INTO release_item "
"""SQLite does not say in which order ids were given, so that SQLAlchemy inserts rows there one by one."""
editions = itertools.count()


def files(world: World, number: int) -> list[str]:
    """DAG files that nobody has seen as they are now."""
    edition = next(editions)
    return [world.dag(f"dag_{each}", lines=f"edition = {edition}") for each in range(number)]


def requested(world: World, number: int) -> Callable[[], Release]:
    made = [world.submit(path) for path in files(world, number)]
    return lambda: world.request(*made)


def rejected(world: World, number: int) -> Callable[[], Release]:
    release = world.waiting(*files(world, number))
    return lambda: world.decide(release, REVIEWER, Verdict.REJECT, comment="No")


def revoked(world: World, number: int) -> Callable[[], Release]:
    release = world.waiting(*files(world, number))

    def revoke() -> Release:
        lifecycle.move(world.ctx, release, ReleaseState.REVOKED, actor=DEV)
        return release

    return revoke


def first_promotion(world: World, number: int) -> Callable[[], Release]:
    release = world.approved(*files(world, number))
    return lambda: world.promote(release)


def next_promotion(world: World, number: int) -> Callable[[], Release]:
    world.released(*files(world, number))
    release = world.approved(*files(world, number))
    return lambda: world.promote(release)


CHANGES = {
    "asking for a release": requested,
    "a rejection": rejected,
    "a revocation": revoked,
    "a first promotion": first_promotion,
    "a next promotion": next_promotion,
}


@pytest.mark.req("R93")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_many_dags_costs_the_statements_of_one_of_few(
    world: World, engine: Engine, change: str
) -> None:
    def cost(number: int) -> int:
        do = CHANGES[change](world, number)
        world.ctx.session.flush()
        with counted(engine) as statements:
            release = do()
            world.ctx.session.flush()
        assert len(release.items) == number
        if release.state.is_open:
            lifecycle.move(world.ctx, release, ReleaseState.REVOKED, actor=ADMIN)
        return len([each for each in statements if not each.startswith(_ONE_BY_ONE)])

    cost(FEW)  # what a process finds out once
    few, many = cost(FEW), cost(MANY)

    assert many == few, (few, many)


def test_what_moved_at_once_is_as_the_database_has_it(world: World) -> None:
    world.released(*files(world, FEW))
    release = world.released(*files(world, FEW))
    new = [item.submission for item in release.items]
    seen = [(row.id, row.state, row.release_id, row.row_version) for row in new]
    world.ctx.session.flush()
    world.ctx.session.expire_all()

    assert [(row.id, row.state, row.release_id, row.row_version) for row in new] == seen
    assert {row.state for row in new} == {SubmissionState.RELEASED}
