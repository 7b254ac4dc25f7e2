"""What becomes of uploads that nobody goes on with, and of files that nobody needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import cleanup as import_sweep
from airflow_release_plugin.services.imports import imports
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, steps_of
from tests.harness.imports import uploaded, with_imports

pytestmark = pytest.mark.req("R53")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    return with_imports(world, tmp_path)


def begun(world: World) -> Import:
    row = imports.begin(world.ctx, actor=ADMIN, file_name="a", file_size=10)
    return imports.append(world.ctx, actor=ADMIN, import_id=row.id, offset=0, chunks=[b"12345"])


def has_file(world: World, row: Import) -> bool:
    return imports.file_of(world.ctx, row).size > 0


def sweep(world: World) -> None:
    import_sweep.run_once(work=steps_of(world))


def test_an_upload_without_a_byte_for_a_day_is_given_up(world: World, clock: FrozenClock) -> None:
    row = begun(world)
    clock.advance(hours=23)
    imports.append(world.ctx, actor=ADMIN, import_id=row.id, offset=5, chunks=[b"6"])
    clock.advance(hours=23)
    sweep(world)
    assert (row.state, has_file(world, row)) == (ImportState.UPLOADING, True)

    clock.advance(hours=2)
    sweep(world)

    assert (row.state, has_file(world, row)) == (ImportState.DISCARDED, False)
    event = audit.list_events(world.ctx, actor=ADMIN).items[-1]
    assert (event.tag, event.actor_name, event.data["reason"]) == (
        EventTag.IMPORT_DISCARDED,
        "system",
        "Nothing came for a day.",
    )


def test_an_upload_that_never_began_is_given_up(world: World, clock: FrozenClock) -> None:
    row = imports.begin(world.ctx, actor=ADMIN, file_name="a", file_size=10)
    clock.advance(hours=25)

    sweep(world)

    assert row.state is ImportState.DISCARDED


def test_a_bundle_is_kept_until_it_expires(world: World, clock: FrozenClock) -> None:
    row = uploaded(world)
    clock.advance(hours=71)
    sweep(world)
    assert (row.state, has_file(world, row)) == (ImportState.UPLOADED, True)

    clock.advance(hours=1)
    sweep(world)

    assert (row.state, has_file(world, row)) == (ImportState.FAILED, False)
    assert "expired" in row.error
