"""The records: every version, what was decided on it, where it is now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.records import VersionPlace
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.promotion import environments, records
from airflow_release_plugin.services.releases import checks, creation, releases
from airflow_release_plugin.services.submissions import submissions
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, VIEWER, World

pytestmark = pytest.mark.req("R15")


def places(world: World, **options: object) -> list[tuple[str, int, VersionPlace]]:
    found = records.list_records(world.ctx, actor=DEV, order_by="name", **options).items  # type: ignore[arg-type]
    return sorted((r.submission.unit_name, r.submission.version, r.place) for r in found)


def several(world: World) -> None:
    world.released(world.dag("etl"))
    world.dag("etl", lines="x = 2")
    world.released("etl.py")
    world.submit(world.dag("never"))
    world.submit(world.dag("never", lines="x = 2"), DEV2)
    world.released(world.dag("gone"))
    world.delete("gone.py")
    world.released("gone.py")


def test_every_record_says_where_the_version_is_now(world: World) -> None:
    several(world)

    assert places(world) == [
        ("etl", 1, VersionPlace.REPLACED),
        ("etl", 2, VersionPlace.IN_TARGET),
        ("gone", 1, VersionPlace.REPLACED),
        ("gone", 2, VersionPlace.RETIRED),
        ("never", 1, VersionPlace.NEVER),
        ("never", 2, VersionPlace.WAITING),
    ]


@pytest.mark.parametrize("order_by", ["released_at", "-released_at"])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_in_the_order_of_releases_what_never_came_is_last_on_every_page(
    world: World, clock: FrozenClock, order_by: str, size: int
) -> None:
    several(world)
    for number, release in enumerate(world.ctx.session.scalars(select(Release).order_by(Release.id))):
        release.released_at = clock() + timedelta(hours=number)
    world.ctx.session.flush()
    came = [("etl", 1), ("etl", 2), ("gone", 1), ("gone", 2)]
    expected = [*(came if order_by == "released_at" else reversed(came)), ("never", 2), ("never", 1)]

    found = [
        (row.submission.unit_name, row.submission.version)
        for offset in range(0, len(expected) + 1, size)
        for row in records.list_records(
            world.ctx, actor=DEV, order_by=order_by, limit=size, offset=offset
        ).items
    ]

    assert found == expected


@pytest.mark.parametrize("place", [p for p in VersionPlace if p is not VersionPlace.ROLLED_BACK])
def test_records_are_filtered_by_where_they_are(world: World, place: VersionPlace) -> None:
    several(world)

    found = places(world, place=place)

    assert found
    assert {row[2] for row in found} == {place}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [({"search": "ET"}, {"etl"}), ({"search": "ever n"}, {"never"}), ({"submitter": "dev2"}, {"never"})],
)
def test_records_are_filtered_by_name_and_submitter(
    world: World, wanted: dict[str, str], names: set[str]
) -> None:
    several(world)

    assert {row[0] for row in places(world, **wanted)} == names


def test_a_record_has_checks_and_decisions(world: World) -> None:
    world.released(world.dag("etl"))
    rejected = world.waiting(world.dag("no"))
    world.decide(rejected, verdict=Verdict.REJECT)
    world.submit(world.dag("new"))

    found = records.list_records(world.ctx, actor=DEV, order_by="submitted_at").items

    assert {
        r.submission.unit_name: (r.is_checked, [(d.verdict, d.actor.name) for d in r.decisions])
        for r in found
    } == {
        "etl": (True, [(Verdict.APPROVE, "reviewer")]),
        "no": (True, [(Verdict.REJECT, "reviewer")]),
        "new": (None, []),
    }


def test_a_record_keeps_every_release_that_the_version_was_in(world: World, clock: FrozenClock) -> None:
    submitted = world.submit(world.dag("etl"))
    rejected = world.decide(world.report(world.request(submitted)), verdict=Verdict.REJECT)
    revoked = world.request(submitted)
    releases.revoke(world.ctx, actor=DEV, release_id=revoked.id)
    expired = world.decide(world.report(world.request(submitted)))
    clock.advance(hours=25)
    releases.get_locked(world.ctx, actor=DEV, release_id=expired.id)
    released = world.promote(world.decide(world.report(world.request(submitted))))

    (record,) = records.list_records(world.ctx, actor=DEV).items

    assert record.release is released
    assert [(stay.release.id, stay.state.value, len(stay.decisions)) for stay in record.stays] == [
        (released.id, "released", 1),
        (expired.id, "expired", 1),
        (revoked.id, "revoked", 0),
        (rejected.id, "rejected", 1),
    ]
    assert [d.verdict.value for d in record.decisions] == ["approve", "approve", "reject"]


def test_decisions_of_an_attempt_that_was_tried_again_are_kept(world: World, clock: FrozenClock) -> None:
    release = world.approved(world.dag("etl"))
    checks.mark_errored(
        world.ctx, actor=world.task(release), release_id=release.id, reason="The disk is full."
    )
    clock.advance(hours=25)  # what was approved counts no more, so people are asked again
    creation.retry(world.ctx, actor=DEV, release_id=release.id)
    world.decide(world.report(release))

    (stay,) = records.stays_of(world.ctx, release.items[0].submission)

    assert [decision.actor_name for decision in stay.decisions] == ["reviewer", "reviewer"]


def test_the_trail_of_a_history_tells_of_releases_that_came_to_nothing(world: World) -> None:
    rejected = world.decide(world.waiting(world.dag("etl")), verdict=Verdict.REJECT)
    found = records.history(world.ctx, actor=DEV, dag_id="etl")

    told = {event.subject for event in records.trail(world.ctx, found.page.items)}

    assert f"release:{rejected.id}" in told


def test_a_history_has_what_the_target_serves_first_and_pages(world: World) -> None:
    world.released(world.dag("etl"))
    for number in range(5):
        world.submit(world.dag("etl", lines=f"x = {number}"))

    first = records.history(world.ctx, actor=VIEWER, dag_id="dev.etl", limit=2)
    last = records.history(world.ctx, actor=VIEWER, dag_id="etl", limit=2, offset=4)

    assert first.live is not None
    assert (first.dag_id, first.live.submission.version, first.page.total_entries) == ("etl", 1, 6)
    assert [r.submission.version for page in (first, last) for r in page.page.items] == [6, 5, 2, 1]


def test_a_dag_without_versions_has_an_empty_history(world: World) -> None:
    found = records.history(world.ctx, actor=ADMIN, dag_id="etl")

    assert (found.live, found.page.items, records.trail(world.ctx, found.page.items)) == (None, [], [])


def test_the_trail_of_a_history_starts_with_the_newest(world: World) -> None:
    world.released(world.dag("etl"))
    found = records.history(world.ctx, actor=DEV, dag_id="etl")

    tags = [event.tag.value for event in records.trail(world.ctx, found.page.items)]

    assert (tags[0], tags[-1]) == ("release:state:change", "submission:version:create")


def test_of_a_long_trail_the_newest_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.released(world.dag("etl"))
    found = records.history(world.ctx, actor=DEV, dag_id="etl")
    whole = records.trail(world.ctx, found.page.items)

    monkeypatch.setattr(records, "TRAIL", 2)

    assert records.trail(world.ctx, found.page.items) == whole[:2]


def test_records_are_for_people_who_may_read_the_dag(world: World) -> None:
    world.released(world.dag("etl"), world.dag("open"))
    for dag_id in ("etl", "dev.etl"):
        world.twin.refused.add((DEV2.id, DagAccess.READ, dag_id))

    assert [r.submission.path for r in records.list_records(world.ctx, actor=DEV2).items] == ["open.py"]
    with pytest.raises(NotFoundError):
        records.history(world.ctx, actor=DEV2, dag_id="etl")


def test_the_history_of_the_api_has_pages(world: World) -> None:
    for number in range(3):
        world.submit(world.dag("etl", lines=f"x = {number}"))

    page = environments.dag_history(world.ctx, actor=DEV, name="prod", dag_id="etl", limit=1, offset=1)

    assert ([v.version for v in page.items], page.total_entries) == ([2], 3)


def test_a_removed_row_was_never_released(world: World) -> None:
    row = world.submit(world.dag("etl"))
    submissions.remove(world.ctx, actor=DEV, submission_id=row.id)

    assert places(world) == [("etl", 1, VersionPlace.NEVER)]
