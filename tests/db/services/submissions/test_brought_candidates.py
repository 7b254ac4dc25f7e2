"""What imports brought is in the to-be-released list while it waits, and never looks deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import NotHereError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.submissions import candidates, shared_files, submissions
from tests.harness.context import DEV, World

pytestmark = [pytest.mark.req("R54", "R56")]


def brought(world: World, name: str, *, origin: str | None = "plant-a:7") -> Submission:
    """A version as an import leaves it: there is no file in the source."""
    row = world.submit(world.dag(name))
    row.unit.origin, row.import_id = origin, 1
    world.delete(f"{name}.py")
    world.ctx.session.flush()
    return row


def rows(world: World) -> dict[str, candidates.Candidate]:
    return {row.path: row for row in candidates.list_candidates(world.ctx, actor=DEV).items}


def test_a_version_that_an_import_brought_waits_in_the_list(world: World) -> None:
    version = brought(world, "etl")

    row = rows(world)["etl.py"]

    assert (row.change, row.submission_id) == (ChangeKind.NEW, version.id)
    assert row.submission_state is SubmissionState.PENDING
    assert not row.changed_since_submission
    assert not row.can_be_submitted


def test_a_released_import_is_no_candidate_for_removal(world: World) -> None:
    released = world.promote(world.decide(world.report(world.request(brought(world, "etl")))))

    assert released.state is ReleaseState.RELEASED
    assert rows(world) == {}


def test_a_dag_that_came_home_while_its_file_is_gone_waits_as_it_came(world: World) -> None:
    version = brought(world, "etl", origin=None)

    assert rows(world)["etl.py"].change is ChangeKind.NEW
    submissions.remove(world.ctx, actor=DEV, submission_id=version.id)
    assert rows(world) == {}


def test_our_own_dag_whose_file_is_gone_is_still_offered_for_removal(world: World) -> None:
    brought(world, "imported")
    world.released(world.dag("etl"))
    world.delete("etl.py")

    assert rows(world)["etl.py"].change is ChangeKind.DELETED


@pytest.mark.req("R9")
def test_an_installation_without_source_lists_what_imports_brought_and_nothing_as_deleted(
    world: World,
) -> None:
    world.released(world.dag("ours"))
    version = brought(world, "etl")
    settings = replace(world.ctx.settings, role="target", prefix="")
    there = replace(world, ctx=replace(world.ctx, settings=settings))

    assert [row.submission_id for row in rows(there).values()] == [version.id]
    assert releases.get(there.ctx, actor=DEV, release_id=there.request(version).id).items
    with pytest.raises(NotHereError):
        shared_files.list_shared_files(there.ctx, actor=DEV)
