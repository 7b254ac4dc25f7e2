"""A server that is killed while it ends lost work: the next one does it, once."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import delete, select, update

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.models import Event, Lease
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.releases import lifecycle
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from tests.conftest import BACKENDS
from tests.db.api.world import World, ok
from tests.harness.process_kill import Moment, kill, restart

MOMENTS = {
    "it has found it and not ended it": Moment(lifecycle, "move"),
    "it has ended it and not committed": Moment(lifecycle, "move", after=True),
    "it has told the trail and not committed": Moment(audit, "record", after=True),
}


@pytest.fixture(params=BACKENDS)
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def lose(world: World) -> None:
    """Delete every run of Airflow, as somebody does by hand."""
    from airflow.models.dagrun import DagRun

    with world.session() as session:
        session.execute(delete(DagRun))
        session.commit()


def lease_ends(world: World) -> None:
    """Let so much time pass that the server that was killed holds no lease any more."""
    with world.session() as session:
        over = datetime.now(timezone.utc) - timedelta(seconds=1)
        session.execute(update(Lease).values(until=over))
        session.commit()


@pytest.mark.req("R8")
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_server_ends_it_once_and_its_retry_works(world: World, moment: str) -> None:
    release = world.request(world.submit("etl.py"))
    lose(world)
    assert lost_work.run_once(by="doomed") == 0, "a loss counts when it is seen twice"

    kill(MOMENTS[moment], world.engine, lambda: lost_work.run_once(by="doomed"))
    author = world.as_("author")
    assert ok(author.get(f"/releases/{release['id']}"))["state"] == "checking"

    restart(world.engine)  # the lease is still that of the dead one
    assert ok(author.get(f"/releases/{release['id']}"))["state"] == "checking"
    lease_ends(world)
    restart(world.engine)

    ended = ok(author.get(f"/releases/{release['id']}"))
    assert ended["state"] == "errored"
    assert "was deleted. Then retry the release." in ended["state_reason"]
    with world.session() as session:
        moved = session.scalars(select(Event).where(Event.tag == EventTag.RELEASE_MOVED)).all()
        assert [event.data["after"] for event in moved].count("errored") == 1
    again = ok(author.post(f"/releases/{release['id']}/retry"))
    assert (again["state"], again["attempt"]) == ("checking", 2)
    assert world.report(again)["state"] == "awaiting_approval"
    with unit_of_work() as (ctx, _):
        assert audit.first_broken_link(ctx) is None
