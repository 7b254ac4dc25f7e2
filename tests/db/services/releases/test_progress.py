from __future__ import annotations

from typing import Any

import pytest

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import checks, creation, progress
from airflow_release_plugin.services.verification import verification
from tests.harness.context import DEV, World

pytestmark = pytest.mark.req("R8")


def tell(world: World, release: Release, *files: ItemProgress, **options: Any) -> None:
    wanted = {"release_id": release.id, "attempt": release.attempt, **options}
    wanted.setdefault("actor", world.task(release, TaskRole.CHECK))
    progress.note(world.ctx, files=files, **wanted)


def shown(world: World, release: Release) -> dict[str, tuple[str, str]]:
    view = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)
    return {item.path: (item.state.value, item.detail) for item in view.progress}


def asked(world: World, *names: str) -> Release:
    return world.request(*[world.submit(world.dag(name)) for name in names])


def test_each_file_is_where_the_worker_is_with_it(world: World) -> None:
    release = asked(world, "one", "two", "three", "four")
    tell(
        world, release, ItemProgress("one.py", ItemState.CHECKED), ItemProgress("two.py", ItemState.CHECKING)
    )
    tell(world, release, ItemProgress("two.py", ItemState.FAILED, "ImportError: no shop"))
    tell(world, release, ItemProgress("three.py", ItemState.CHECKING))

    assert shown(world, release) == {
        "one.py": ("checked", ""),
        "two.py": ("failed", "ImportError: no shop"),
        "three.py": ("checking", ""),
        "four.py": ("waiting", ""),
    }


def test_seconds_and_what_was_logged_are_shown_while_it_is_checked(world: World) -> None:
    release = asked(world, "one", "two")
    done = ItemProgress("one.py", ItemState.CHECKED, "", 1.25, ("WARNING: no rates today",))
    tell(world, release, done)

    view = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)
    assert view.progress == (done, ItemProgress("two.py", ItemState.WAITING))


def test_the_task_that_checks_is_named_for_its_log(world: World) -> None:
    release = asked(world, "one")
    before = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)
    tell(world, release, ItemProgress("one.py", ItemState.CHECKING))
    after = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)

    assert before.pipeline is not None
    assert after.pipeline is not None
    assert after.pipeline.check is not None
    assert before.pipeline.check is None
    assert (after.pipeline.check.dag_id, after.pipeline.check.run_id) == (
        release.pipeline_dag_id,
        release.pipeline_run_id,
    )


def test_the_report_takes_the_place_of_what_was_told(world: World) -> None:
    release = asked(world, "one", "two")
    tell(world, release, ItemProgress("one.py", ItemState.CHECKING))
    trace = "Traceback\nImportError: no shop"
    failed = CheckItem("parse", CheckStatus.FAILED, "two.py", trace)
    world.report(release, [CheckItem("parse", CheckStatus.PASSED, "one.py"), failed])

    assert shown(world, release) == {"one.py": ("checked", ""), "two.py": ("failed", "ImportError: no shop")}
    assert release.progress_json is None


def test_what_was_told_of_an_earlier_attempt_counts_no_more(world: World) -> None:
    release = asked(world, "one")
    tell(world, release, ItemProgress("one.py", ItemState.CHECKED))
    checks.mark_errored(world.ctx, actor=world.task(release), release_id=release.id, reason="worker lost")
    creation.retry(world.ctx, actor=DEV, release_id=release.id)

    assert shown(world, release) == {"one.py": ("waiting", "")}
    with pytest.raises(ConflictError, match="attempt 1 is not wanted"):
        tell(world, release, ItemProgress("one.py", ItemState.CHECKED), attempt=1)


def test_what_is_in_the_target_is_promoted_until_airflow_serves_it(world: World) -> None:
    release = world.released(world.dag("one"))
    assert shown(world, release) == {"one.py": ("promoted", "")}

    world.twin.serve(world.store, "prod", str(release.target_commit))
    verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)

    assert shown(world, release) == {"one.py": ("served", "")}


def test_items_are_served_one_by_one_as_airflow_parses_them(world: World) -> None:
    release = world.released(world.dag("one"), world.dag("two"))
    world.twin.serve(world.store, "prod", str(release.target_commit))
    not_yet = world.twin.serving.pop("two.py")
    verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)

    assert shown(world, release) == {"one.py": ("served", ""), "two.py": ("promoted", "")}

    world.twin.serving["two.py"] = not_yet
    verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)

    assert shown(world, release) == {"one.py": ("served", ""), "two.py": ("served", "")}
    assert release.progress_json is None


def test_a_release_that_awaits_people_is_checked(world: World) -> None:
    assert shown(world, world.waiting(world.dag("one"))) == {"one.py": ("checked", "")}


def test_nobody_else_tells_progress(world: World) -> None:
    with pytest.raises(NotAllowedError):
        tell(world, asked(world, "one"), actor=DEV)


def test_a_release_that_is_not_checked_takes_no_progress(world: World) -> None:
    with pytest.raises(ConflictError, match="not wanted any more"):
        tell(world, world.waiting(world.dag("one")))
