from __future__ import annotations

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, StaleDigestError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import approvals, events
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.releases.chosen_versions import claim
from tests.harness.context import DEV, FAILED, World

REASON = "basic mode of source\n'dev'"


@pytest.fixture
def exempt(world: World) -> Release:
    """A release of one DAG that nobody has to approve, not checked yet."""
    chosen = claim(world.ctx, [world.submit(world.dag("etl")).id], most=1)
    return creation.open_release(
        world.ctx,
        chosen,
        ReleaseRequest("Straight on"),
        creation.ReleaseTerms(exempt_reason=REASON),
        actor=DEV,
    )


def test_it_is_approved_by_its_passed_check_and_nobody_is_asked(world: World, exempt: Release) -> None:
    world.report(exempt)

    assert exempt.state is ReleaseState.APPROVED
    assert approvals.latest_approval(world.ctx.session, "release", exempt.id) is None


def test_its_commit_and_the_trail_say_why_nobody_was_asked(world: World, exempt: Release) -> None:
    released = world.promote(world.report(exempt))

    trail = events.events_of(world.ctx.session, f"release:{exempt.id}", limit=100).items
    created = next(event for event in trail if event.tag is EventTag.RELEASE_CREATED)
    commit = world.store.commit_facts(str(released.target_commit))
    assert released.state is ReleaseState.RELEASED
    assert ("Exempt", "basic mode of source 'dev'") in commit.trailers
    assert created.data["exempt_reason"] == REASON


def test_a_failed_check_stops_it(world: World, exempt: Release) -> None:
    world.report(exempt, FAILED)

    with pytest.raises(ConflictError, match="failed"):
        world.promote(exempt)


def test_what_was_changed_behind_its_back_is_not_promoted(world: World, exempt: Release) -> None:
    world.report(exempt)
    exempt.changes = ()

    with pytest.raises(StaleDigestError):
        world.promote(exempt)


def test_a_soak_without_runs_to_watch_is_refused(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="soak"):
        world.request(world.submit(world.dag("etl")), soak_minutes=5)
