"""Insights over REST: their shape, bad input, and who learns what."""

from __future__ import annotations

import pytest

from tests.db.api.world import World, error_of, fab_permissions, new_fab_user, ok

pytestmark = pytest.mark.req("R78", "R72")


@pytest.fixture
def manager() -> str:
    return "fab"


@pytest.fixture
def two(world: World) -> World:
    """Two releases that wait; ``reader`` may read the DAG of one."""
    from airflow.providers.fab.auth_manager.models import Role

    world.write_dag("secret.py", "secret")
    world.parse()
    with world.session() as session:
        pairs = [("can_read", "DAG:etl")]
        role = Role(name="only etl", permissions=fab_permissions(session, pairs))
        session.add_all([role, new_fab_user("only_etl", [role])])
        session.commit()
    for path in ("etl.py", "secret.py"):
        world.awaiting(path)
    return world


def test_the_answer_has_figures_of_both_periods_and_a_point_for_each_day(world: World) -> None:
    found = ok(world.as_("admin").get("/insights?days=7&by=flow"))

    assert (found["bucket"], found["by"], len(found["trend"])) == ("day", "flow", 7)
    assert found["now"]["lead"] == {"total": 0, "median": None, "p90": None}
    assert found["now"]["failure_rate"] is None
    assert found["before"]["per_week"] == 0


def test_people_learn_of_what_they_may_read_and_of_nothing_else(two: World) -> None:
    assert ok(two.as_("admin").get("/insights"))["waiting"] == 2
    assert ok(two.as_("only_etl").get("/insights"))["waiting"] == 1
    hidden, none = (ok(two.as_("only_etl").get(f"/insights?dag_id={n}")) for n in ("secret", "no_such_dag"))
    assert hidden == none
    assert hidden["waiting"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "days=0",
        "days=3654",
        "days=x",
        "from=x",
        "from=2000-01-01",
        "from=9999-01-01",
        "from=0001-01-01",
        "by=x",
    ],
)
def test_a_period_that_makes_no_sense_is_refused(world: World, query: str) -> None:
    assert error_of(world.as_("admin").get(f"/insights?{query}"))[0] == 422


def test_ten_years_are_answered(world: World) -> None:
    found = ok(world.as_("admin").get("/insights?days=3653"))

    assert found["bucket"] == "quarter"
    assert 40 <= len(found["trend"]) <= 42
