"""``airflow release clean``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.models import Notification
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows

pytestmark = [pytest.mark.req("R93"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


def test_it_says_what_would_go_and_then_removes_it(world: World) -> None:
    long_ago = datetime.now(timezone.utc) - timedelta(days=200)
    with unit_of_work() as (ctx, _):
        ctx.session.add(
            Notification(
                event=NotificationEvent.RELEASED,
                subject_type="release",
                subject_id=1,
                notifier_json={},
                notice={},
                state=NotificationState.SENT,
                next_attempt_at=long_ago,
                made_at=long_ago,
            )
        )

    dry = rows(airflow(world, "clean", "--dry-run", "--output", "json"))
    first = rows(airflow(world, "clean", "--output", "json"))
    again = rows(airflow(world, "clean", "--output", "json"))

    size = dry[0].pop("bytes")
    assert int(size) > 50
    assert dry[0] == {"kind": "notifications sent", "would go": "1"}
    assert first[0] == {"kind": "notifications sent", "gone": "1", "bytes": size}
    assert {row["gone"] for row in again} == {"0"}
    assert again[-1]["kind"] == "content"
