"""The first page: what it shows of releases in every state, to whom, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess, RunFacts
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import MachineLook, Release, ReleaseItem
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import home
from airflow_release_plugin.services.read_models.home import HomeDetail
from airflow_release_plugin.services.releases import progress, releases
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, FAILED, REVIEWER, VIEWER, World
from tests.harness.flow_forms import form, level, step

pytestmark = pytest.mark.req("R90")


def seen(world: World, actor: Actor = DEV) -> HomeDetail:
    return home.get_home(world.ctx, actor=actor)


def moving(world: World, actor: Actor = DEV) -> dict[str, str]:
    return {row.release.number: row.state for row in seen(world, actor).moving}


def end_run(world: World, release: Release, state: str = "success") -> None:
    key = (release.pipeline_dag_id, str(release.pipeline_run_id))
    world.twin.started[key] = RunFacts(*key, state, ended=state not in {"queued", "running"})


def test_where_nothing_was_submitted_it_is_the_first_use(world: World) -> None:
    assert seen(world).is_first_use

    world.submit(world.dag("etl"))

    found = seen(world)
    assert not found.is_first_use
    assert (found.moving, found.landed, found.stopped, found.freezes) == ((), (), (), ())


def test_a_release_is_under_way_from_its_request_until_its_pipeline_ended(world: World) -> None:
    release = world.request(world.submit(world.dag("etl")))
    assert moving(world) == {release.number: "checking"}

    world.report(release)
    assert moving(world) == {release.number: "awaiting_approval"}
    assert [row.waits_for for row in seen(world).moving] == ["Release approval"]

    world.decide(release)
    assert moving(world) == {release.number: "approved"}

    world.promote(release)
    assert moving(world) == {release.number: home.VERIFYING}
    assert seen(world).landed == ()

    end_run(world, release)
    assert moving(world) == {}
    assert [row.number for row in seen(world).landed] == [release.number]


def test_what_waits_for_the_actor_is_not_shown_twice(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    found = seen(world, REVIEWER)
    assert [item.subject_id for item in found.inbox.items] == [release.id]
    assert found.moving == ()
    assert moving(world, DEV) == {release.number: "awaiting_approval"}


def test_what_waits_says_how_large_and_how_risky_it_is(world: World) -> None:
    high = level(step("op"), name="High", min_lines=2)
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Levels", level(), high))
    end_run(world, world.released(world.dag("etl", lines="x = 1\ny = 2")))
    world.waiting(world.dag("etl", lines="x = 1\ny = 3\nz = 4"))

    (item,) = seen(world, REVIEWER).inbox.items

    assert (item.lines_added, item.lines_removed) == (2, 1)
    assert (item.level, item.levels, item.level_name) == (2, 2, "High")


def test_how_far_a_check_is(world: World) -> None:
    release = world.request(world.submit(world.dag("a")), world.submit(world.dag("b")))
    progress.note(
        world.ctx,
        actor=world.task(release, TaskRole.CHECK),
        release_id=release.id,
        attempt=1,
        files=[ItemProgress("a.py", ItemState.CHECKED)],
    )

    (row,) = seen(world).moving

    assert (row.done, len(row.items)) == (1, 2)


def test_what_holds_an_approved_release_back_is_said(world: World, clock: FrozenClock) -> None:
    later = clock.now + timedelta(hours=3)
    world.decide(world.report(world.request(world.submit(world.dag("etl")), scheduled_at=later)))

    (row,) = seen(world).moving

    assert row.block is not None
    assert (row.block.reason, row.block.until) == ("scheduled", later)


def test_what_stopped_says_why_in_one_line_until_it_is_a_week_old(world: World, clock: FrozenClock) -> None:
    failed = world.report(world.request(world.submit(world.dag("etl"))), FAILED)
    clock.advance(minutes=1)
    rejected = world.decide(world.waiting(world.dag("ops")), verdict=Verdict.REJECT, comment="No.\nReally.")
    clock.advance(minutes=1)
    revoked = world.waiting(world.dag("gone"))
    releases.revoke(world.ctx, actor=DEV, release_id=revoked.id)

    found = seen(world)
    assert [(row.release.id, row.state, row.reason) for row in found.stopped] == [
        (rejected.id, ReleaseState.REJECTED, "Rejected by reviewer: No."),
        (failed.id, ReleaseState.FAILED, "Parses: ImportError: no module shop"),
    ]
    assert found.stopped[1].since == failed.state_since

    clock.advance(days=8)
    assert seen(world).stopped == ()


def test_what_nobody_decided_in_time_stopped_before_anybody_wrote_that_down(
    world: World, clock: FrozenClock
) -> None:
    release = world.waiting(world.dag("etl"))
    clock.advance(days=2)

    found = seen(world)

    assert found.moving == ()
    (row,) = found.stopped
    assert (row.state, row.reason) == (ReleaseState.EXPIRED, "It was not approved in time.")
    assert row.since == release.expires_at
    assert release.state is ReleaseState.AWAITING_APPROVAL


def test_what_went_out_is_gone_from_the_page_after_a_day(world: World, clock: FrozenClock) -> None:
    end_run(world, world.released(world.dag("etl")))
    assert len(seen(world).landed) == 1

    clock.advance(hours=25)
    assert seen(world).landed == ()


def test_a_soak_of_days_is_under_way_until_it_ends(world: World, clock: FrozenClock) -> None:
    asked = world.request(world.submit(world.dag("etl")), run_after_release=True, soak_minutes=3 * 24 * 60)
    release = world.promote(world.decide(world.report(asked)))
    clock.advance(days=2)
    assert moving(world) == {release.number: home.VERIFYING}

    end_run(world, release)
    assert moving(world) == {}
    assert seen(world).landed == ()


def test_only_what_the_actor_may_read_or_has_asked_for_is_shown(world: World) -> None:
    mine, theirs = world.waiting(world.dag("open")), world.waiting(world.dag("secret"))
    failed = world.report(world.request(world.submit(world.dag("secret2"))), FAILED)
    landed = world.released(world.dag("secret3"))
    end_run(world, landed)
    for name in ("secret", "secret2", "secret3"):
        for dag_id in (name, f"dev.{name}"):
            world.twin.refused |= {(who.id, DagAccess.READ, dag_id) for who in (VIEWER, DEV)}

    found = seen(world, VIEWER)
    assert [row.release.id for row in found.moving] == [mine.id]
    assert (found.landed, found.stopped) == ((), ())

    own = seen(world, DEV)
    assert {row.release.id for row in own.moving} == {mine.id, theirs.id}
    assert [row.release.id for row in own.stopped] == [failed.id]
    assert [row.id for row in own.landed] == [landed.id]
    assert {row.release.id for row in seen(world, DEV2).moving} == {mine.id, theirs.id}


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_what_somebody_may_see_is_found_behind_any_number_of_releases_that_they_may_not(
    world: World, clock: FrozenClock
) -> None:
    mine, theirs = world.waiting(world.dag("open")), world.waiting(world.dag("secret"))
    for dag_id in ("secret", "dev.secret"):
        world.twin.refused.add((VIEWER.id, DagAccess.READ, dag_id))
    copy_many(world.ctx.session, theirs, 600)

    assert [row.release.id for row in seen(world, VIEWER).moving] == [mine.id]
    assert len(seen(world, DEV2).moving) == home.MOST


def copy_many(session: Session, release: Release, copies: int) -> None:
    """As many releases of the same DAG, in the same state, all of them newer."""
    columns = [column.key for column in Release.__table__.columns if column.key not in {"id", "number"}]
    attributes = {mapper.columns[0].name: mapper.key for mapper in inspect(Release).column_attrs}
    values = {attributes[name]: getattr(release, attributes[name]) for name in columns}
    (item,) = release.items
    rows, items = [], []
    for number in range(1, copies + 1):
        since = release.state_since + timedelta(seconds=number)
        rows.append({**values, "id": release.id + number, "number": f"C-{number}", "state_since": since})
        items.append(
            {
                "release_id": release.id + number,
                "submission_id": item.submission_id,
                "unit_id": item.unit_id,
                "position": 0,
            }
        )
    session.execute(insert(Release), rows)
    session.execute(insert(ReleaseItem), items)


def test_lists_are_cut_off_and_say_so(world: World) -> None:
    for number in range(home.MOST + 1):
        world.request(world.submit(world.dag(f"dag{number}")))

    found = seen(world)

    assert len(found.moving) == home.MOST
    assert found.has_more_moving
    assert found.moving[0].release.id == home.MOST + 1


def test_whether_the_environment_runs_what_was_approved(world: World, clock: FrozenClock) -> None:
    end_run(world, world.released(world.dag("etl")))
    condition = seen(world).condition
    assert condition is not None
    assert (condition.is_moved, condition.differences, condition.looked_at) == (False, 0, None)

    look = MachineLook(environment="prod", host="a", looked_at=clock.now, changed_at=clock.now, total=3)
    world.ctx.session.add(look)
    world.move_by_hand()

    condition = seen(world).condition
    assert condition is not None
    assert (condition.is_moved, condition.differences, condition.looked_at) == (True, 3, clock.now)


def test_without_a_target_there_is_no_environment_to_look_at(world: World) -> None:
    source_only = replace(world, ctx=replace(world.ctx, settings=replace(world.ctx.settings, role="source")))

    assert seen(source_only).condition is None


def test_the_next_freeze_is_that_of_a_flow(world: World, clock: FrozenClock) -> None:
    start, end = clock.now + timedelta(days=1), clock.now + timedelta(days=3)
    window = {"name": "Year end", "kind": "deny", "start": start.isoformat(), "end": end.isoformat()}
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Careful", level(), calendar=[window]))

    (freeze,) = seen(world).freezes

    assert (freeze.flow, freeze.name, freeze.starts, freeze.ends) == ("Careful", "Year end", start, end)
