"""
Two people, or two pipelines, at the same moment.

Each request has a session of its own and commits at its end, as at the edge. One of the two may be told that
it was too late, or that the database is busy (SQLite has one writer); what is stored must be as if they had
come one after the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.states import (
    ApprovalState,
    ImportState,
    ReleaseState,
    SubmissionState,
    ThreadState,
)
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Approval, Decision, Emergency, Event, Release, Submission
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.imports import imports
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.releases import emergencies, holds, releases
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store.base import tag_ref
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, REVIEWER, World, make_world
from tests.harness.discussion import point_at, resolve
from tests.harness.flow_forms import form
from tests.harness.imports import bundle_bytes, with_imports

TOO_LATE = (ReleaseError, StaleDataError, IntegrityError, OperationalError)
Request = Callable[[World], object]


@pytest.fixture(params=["sqlite", "postgresql"])
def db_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> Iterator[World]:
    """A world on a database of its own."""
    with session_factory() as session:
        yield make_world(session, tmp_path / "source", clock)


@pytest.fixture
def at_once(world: World, session_factory: sessionmaker[Session]) -> Callable[..., list[Any]]:
    """Run requests at the same moment, each committed at its end; return results and errors in order."""

    def run(*requests: Request) -> list[Any]:
        world.ctx.session.commit()
        start = threading.Barrier(len(requests))

        def serve(request: Request) -> object:
            with session_factory() as session:
                start.wait()
                try:
                    result = request(world.with_session(session))
                    session.commit()
                except TOO_LATE as error:
                    session.rollback()
                    return error
                return result

        with ThreadPoolExecutor(len(requests)) as threads:
            results = list(threads.map(serve, requests))
        world.ctx.session.rollback()
        world.ctx.session.expire_all()
        return results

    return run


def succeeded(results: list[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, BaseException)]


def rows(world: World, model: type[Any]) -> int:
    return world.ctx.session.scalar(select(func.count()).select_from(model)) or 0


def decides(release: Release, actor: Actor) -> Request:
    return lambda world: world.decide(release, actor)


def test_two_people_approve_at_the_same_moment_and_one_decision_counts(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.waiting(world.dag("etl"))

    results = at_once(decides(release, REVIEWER), decides(release, ADMIN))

    assert len(succeeded(results)) == 1
    assert rows(world, Decision) == 1
    assert world.ctx.session.scalars(select(Approval)).one().state is ApprovalState.APPROVED
    assert releases.get(world.ctx, actor=DEV, release_id=release.id).state is ReleaseState.APPROVED
    assert audit.first_broken_link(world.ctx) is None


def test_an_approval_and_a_revocation_at_the_same_moment_leave_one_of_them(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.waiting(world.dag("etl"))

    at_once(
        decides(release, REVIEWER),
        lambda other: releases.revoke(other.ctx, actor=DEV, release_id=release.id),
    )

    state = releases.get(world.ctx, actor=DEV, release_id=release.id).state
    approval = world.ctx.session.scalars(select(Approval)).one().state
    assert (state, approval) in {
        (ReleaseState.APPROVED, ApprovalState.APPROVED),
        (ReleaseState.REVOKED, ApprovalState.WITHDRAWN),
    }
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R91")
def test_two_people_resolve_a_thread_at_the_same_moment_and_both_see_it_resolved(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)

    results = at_once(
        lambda other: resolve(other, release, thread, DEV).state,
        lambda other: resolve(other, release, thread, REVIEWER).state,
    )

    assert results == [ThreadState.RESOLVED, ThreadState.RESOLVED]
    told = select(func.count()).where(Event.tag == EventTag.RELEASE_THREAD_RESOLVED)
    assert world.ctx.session.scalar(told) == 1
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R91")
def test_the_last_approval_and_the_last_thread_at_the_same_moment_let_the_release_go_on(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    flow_admin.create(world.ctx, actor=ADMIN, raw=form(resolved_only=True))
    release = world.waiting(world.dag("etl"))
    thread = point_at(world, release)

    results = at_once(decides(release, REVIEWER), lambda other: resolve(other, release, thread, DEV))

    assert len(succeeded(results)) == 2, results
    assert releases.get(world.ctx, actor=DEV, release_id=release.id).state is ReleaseState.APPROVED


def test_the_same_promotion_twice_at_the_same_moment_happens_once(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.approved(world.dag("etl"))

    at_once(*[lambda other: other.promote(release)] * 2)

    done = world.promote(releases.get(world.ctx, actor=DEV, release_id=release.id))
    assert done.state is ReleaseState.RELEASED
    assert world.head == done.target_commit == world.store.ref(tag_ref(done.number))
    assert len(world.store.history(world.head)) == 1
    assert not environments.get(world.ctx, actor=DEV, name="prod").moved
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R19")
@pytest.mark.parametrize("repeat", range(3))
def test_what_is_held_and_promoted_at_the_same_moment_went_out_before_the_hold_or_not_at_all(
    world: World, at_once: Callable[..., list[Any]], repeat: int
) -> None:
    world.released(world.dag("zero"))
    release = world.approved(world.dag("etl"))

    at_once(
        lambda other: holds.set_hold(other.ctx, actor=ADMIN, environment="prod", reason="It moves"),
        lambda other: other.promote(release),
    )

    state = releases.get(world.ctx, actor=DEV, release_id=release.id).state
    deeds = (EventTag.ENVIRONMENT_HELD, EventTag.ENVIRONMENT_PROMOTED)
    tags = list(
        world.ctx.session.scalars(select(Event.tag).where(Event.tag.in_(deeds)).order_by(Event.sequence))
    )
    assert tags[0] is EventTag.ENVIRONMENT_PROMOTED
    assert tags[1:] in ([deeds[0]], [deeds[1]], [deeds[1], deeds[0]])
    assert (state is ReleaseState.RELEASED) == (deeds[1] in tags[1:])
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R19")
def test_a_hold_that_is_lifted_while_something_is_promoted_is_one_or_the_other(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.approved(world.dag("etl"))
    holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="It moves")

    at_once(
        lambda other: holds.lift(other.ctx, actor=ADMIN, environment="prod"),
        lambda other: other.promote(release),
    )

    after = releases.get(world.ctx, actor=DEV, release_id=release.id)
    if after.state is ReleaseState.APPROVED and holds.in_force(world.ctx, "prod") is None:
        world.promote(after)
    assert after.state is ReleaseState.RELEASED or holds.in_force(world.ctx, "prod") is not None
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R19")
@pytest.mark.parametrize("is_lifted", [False, True])
def test_what_is_approved_while_a_hold_begins_or_ends_has_the_window_of_all_others(
    world: World, session_factory: sessionmaker[Session], is_lifted: bool
) -> None:
    release = world.waiting(world.dag("etl"))
    if is_lifted:
        holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="It moves")
    world.ctx.session.commit()

    def move_the_hold() -> None:
        with session_factory() as session:
            ctx = world.with_session(session).ctx
            if is_lifted:
                holds.lift(ctx, actor=ADMIN, environment="prod")
            else:
                holds.set_hold(ctx, actor=ADMIN, environment="prod", reason="It moves")
            session.commit()

    with ThreadPoolExecutor(1) as threads, session_factory() as session:
        world.with_session(session).decide(release, REVIEWER)
        held = threads.submit(move_the_hold)
        wait_until_somebody_waits(world.ctx.session, held)
        session.commit()
        held.result()

    world.ctx.session.expire_all()
    after = releases.get(world.ctx, actor=DEV, release_id=release.id)
    assert after.state is ReleaseState.APPROVED
    assert (after.expires_at is not None) == is_lifted


def wait_until_somebody_waits(session: Session, work: Future[None]) -> None:
    """Until a transaction of PostgreSQL waits for another one; SQLite's is behind the first write at once."""
    deadline = time.monotonic() + 10
    while session.get_bind().dialect.name == "postgresql" and not work.done():
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        if session.scalar(text(waits)) or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    session.rollback()


@pytest.mark.req("R39")
def test_two_people_who_break_the_glass_at_the_same_moment_are_two_once(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    settings = replace(world.ctx.settings, break_glass_confirm_minutes=5)
    chief = Actor("60", "chief", ADMIN.roles)
    world.twin.users[chief.id] = Person(chief.id, chief.name, chief.roles)

    def strict(other: World) -> World:
        return replace(other, ctx=replace(other.ctx, settings=settings))

    release = strict(world).waiting(world.dag("etl"))

    results = at_once(
        *[lambda other, actor=actor: strict(other).break_glass(release, actor) for actor in (ADMIN, chief)]
    )

    state = releases.get(world.ctx, actor=DEV, release_id=release.id).state
    row = world.ctx.session.scalars(select(Emergency)).one()
    was_broken = len(succeeded(results)) == 2
    assert (state is ReleaseState.APPROVED) == (row.broken_at is not None) == was_broken
    assert len(row.people) == len(succeeded(results))
    assert rows(world, Decision) == (2 if was_broken else 0)
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.req("R39")
def test_two_reviews_of_one_emergency_at_the_same_moment_are_one(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.break_glass(world.waiting(world.dag("etl")), ADMIN)
    world.ctx.session.flush()
    number = world.ctx.session.scalars(select(Emergency.id)).one()

    results = at_once(
        *[
            lambda other, words=words: emergencies.review(
                other.ctx, actor=REVIEWER, release_id=release.id, emergency_id=number, comment=words
            )
            for words in ("It was an emergency.", "It was no emergency.")
        ]
    )

    (won,) = succeeded(results)
    reviewed = select(func.count()).select_from(Event).where(Event.tag == EventTag.RELEASE_GLASS_REVIEWED)
    assert world.ctx.session.scalars(select(Emergency)).one().review == won.review
    assert world.ctx.session.scalar(reviewed) == 1
    assert audit.first_broken_link(world.ctx) is None


def test_two_promotions_at_the_same_moment_go_one_after_the_other(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    world.released(world.dag("zero"))
    both = [world.approved(world.dag(name)) for name in ("one", "two")]

    at_once(*[lambda other, release=release: other.promote(release) for release in both])

    for release in [releases.get(world.ctx, actor=DEV, release_id=r.id) for r in both]:
        assert release.state in {ReleaseState.RELEASED, ReleaseState.CHECKING, ReleaseState.APPROVED}
        while release.state is not ReleaseState.RELEASED:
            if release.state is ReleaseState.CHECKING:
                world.report(release)
            world.promote(release)
    assert sorted(world.target()) == ["one.py", "two.py", "zero.py"]
    assert len(world.store.history(world.head)) == 3
    assert audit.first_broken_link(world.ctx) is None


def test_one_version_goes_into_one_of_two_releases(world: World, at_once: Callable[..., list[Any]]) -> None:
    submission = world.submit(world.dag("etl"))

    results = at_once(
        *[lambda other, actor=actor: other.request(submission, actor=actor) for actor in (DEV, DEV2)]
    )

    assert len(succeeded(results)) == 1
    assert rows(world, Release) == 1
    assert world.ctx.session.scalars(select(Submission)).one().state is SubmissionState.IN_RELEASE


def test_releases_of_different_dags_do_not_disturb_each_other(
    world: World, at_once: Callable[..., list[Any]], db_backend: str
) -> None:
    chosen = [world.submit(world.dag(name)) for name in ("a", "b", "c")]

    results = at_once(*[lambda other, one=one: other.request(one) for one in chosen])

    if db_backend == "postgresql":
        assert len(succeeded(results)) == 3
    numbers = world.ctx.session.scalars(select(Release.number)).all()
    assert len(set(numbers)) == len(succeeded(results)) >= 1
    assert audit.first_broken_link(world.ctx) is None


def test_two_versions_of_one_file_get_two_numbers(world: World, at_once: Callable[..., list[Any]]) -> None:
    world.submit(world.dag("etl"))
    world.dag("etl", lines="x = 2")

    results = at_once(*[lambda other, actor=actor: other.submit("etl.py", actor) for actor in (DEV, DEV2)])

    versions = world.ctx.session.scalars(select(Submission.version).order_by(Submission.version)).all()
    assert len(versions) == len(set(versions)) == 1 + len(succeeded(results))
    pending = world.ctx.session.scalars(
        select(Submission).where(Submission.state == SubmissionState.PENDING)
    ).all()
    assert [submission.version for submission in pending] == [max(versions)]


def test_a_check_report_that_arrives_twice_opens_one_approval(
    world: World, at_once: Callable[..., list[Any]]
) -> None:
    release = world.request(world.submit(world.dag("etl")))

    results = at_once(*[lambda other: other.report(release)] * 2)

    assert len(succeeded(results)) == 1
    assert rows(world, Approval) == 1


@pytest.mark.req("R53")
def test_two_uploads_of_the_same_part_at_the_same_moment_are_one(
    world: World, at_once: Callable[..., list[Any]], tmp_path: Path
) -> None:
    world = with_imports(world, tmp_path)
    data = bundle_bytes(world)
    row = imports.begin(world.ctx, actor=ADMIN, file_name="a", file_size=len(data))
    world.ctx.session.commit()

    def sends(size: int) -> Request:
        return lambda other: imports.append(
            replace(other.ctx, settings=world.ctx.settings),
            actor=ADMIN,
            import_id=row.id,
            offset=0,
            chunks=[data[:size]],
        )

    results = at_once(sends(1000), sends(500))

    (won,) = succeeded(results)
    kept = imports.file_of(world.ctx, row).readall() or b""
    assert won.received == len(kept) in {500, 1000}
    assert kept == data[: len(kept)]
    imports.append(world.ctx, actor=ADMIN, import_id=row.id, offset=len(kept), chunks=[data[len(kept) :]])
    assert imports.complete(world.ctx, actor=ADMIN, import_id=row.id).state is ImportState.UPLOADED
