"""Basic mode, and what an installation leaves out by its role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_release_plugin import version_compat
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import ConflictError, ItemBusyError, NotAllowedError, NotHereError
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import releases
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.server import health
from airflow_release_plugin.services.submissions import candidates, submissions
from tests.harness.context import ADMIN, DEV, FAILED, VIEWER, World, with_settings


@pytest.fixture
def basic(world: World) -> World:
    """A world whose source is in basic mode."""
    return with_settings(world, source_mode="basic")


def release_of(world: World, path: str) -> Release:
    submission = world.submit(path)
    found = releases.release(world.ctx.session, submission.release_id or 0)
    assert found is not None
    return found


@pytest.mark.req("R1")
def test_in_basic_mode_a_submitted_version_reaches_the_target_without_approval(basic: World) -> None:
    release = release_of(basic, basic.dag("etl"))
    assert (release.state, release.exempt_reason) == (ReleaseState.CHECKING, "basic mode of source 'dev'")

    basic.report(release)
    assert release.state is ReleaseState.APPROVED
    basic.promote(release)

    assert set(basic.target()) == {"etl.py"}


def test_the_trail_says_why_nobody_approved(basic: World) -> None:
    release_of(basic, basic.dag("etl"))

    events = audit.list_events(basic.ctx, actor=ADMIN).items
    made = next(event for event in events if event.tag == EventTag.RELEASE_CREATED.value)
    assert (made.actor.name, made.data["exempt_reason"]) == ("dev", "basic mode of source 'dev'")


def test_in_basic_mode_several_files_are_one_release(basic: World) -> None:
    paths = [basic.dag("a"), basic.dag("b")]

    handled = submissions.submit_many(basic.ctx, actor=DEV, paths=[*paths, "gone.py"])

    held = {each.submission.release_id for each in handled if each.submission}
    assert len(held) == 1
    assert [bool(each.problem) for each in handled] == [False, False, True]


def test_basic_mode_is_only_for_people_who_may_edit_the_dag(basic: World) -> None:
    with pytest.raises(NotAllowedError):
        basic.submit(basic.dag("etl"), actor=VIEWER)


def test_a_failed_check_keeps_it_out_of_the_target(basic: World) -> None:
    release = basic.report(release_of(basic, basic.dag("etl")), FAILED)

    assert release.state is ReleaseState.FAILED
    assert basic.target() == {}


def test_in_basic_mode_a_version_waits_for_the_one_before(basic: World) -> None:
    release_of(basic, basic.dag("etl"))
    basic.dag("etl", lines="x = 2")

    with pytest.raises(ItemBusyError, match="v1 is in an open release"):
        basic.submit("etl.py")


def test_what_basic_mode_began_is_not_tried_again_without_approval_once_it_is_off(basic: World) -> None:
    release = basic.report(release_of(basic, basic.dag("etl")), FAILED)

    with pytest.raises(ConflictError, match="basic mode is off"):
        creation.retry(with_settings(basic, source_mode="dev-prod").ctx, actor=DEV, release_id=release.id)
    assert creation.retry(basic.ctx, actor=DEV, release_id=release.id).state is ReleaseState.CHECKING


@pytest.mark.parametrize("mode", ["dev-prod", "", "basik", "none"])
def test_any_other_mode_waits_for_approval(world: World, mode: str) -> None:
    submission = with_settings(world, source_mode=mode).submit(world.dag("etl"))

    assert (submission.state, submission.release_id) == (SubmissionState.PENDING, None)


SOURCE_SIDE: dict[str, Callable[[World], Any]] = {
    "closure": lambda w: candidates.closure_of(w.ctx, actor=DEV, path="etl.py"),
    "submit": lambda w: submissions.submit(w.ctx, actor=DEV, path="etl.py"),
    "submit many": lambda w: submissions.submit_many(w.ctx, actor=DEV, paths=["etl.py"]),
}
TARGET_SIDE: dict[str, Callable[[World], Any]] = {
    "request": lambda w: w.request(*submissions.list_submissions(w.ctx, actor=DEV).items[:1]),
    "promote": lambda w: promotions.promote(w.ctx, actor=ADMIN, release_id=1),
}
EITHER_SIDE: dict[str, Callable[[World], Any]] = {
    "list": lambda w: candidates.list_candidates(w.ctx, actor=DEV),
}
DEEDS = {**SOURCE_SIDE, **TARGET_SIDE, **EITHER_SIDE}


@pytest.mark.req("R9")
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("role", ["source", "target", "both", "nonsense", ""])
def test_a_role_leaves_out_the_other_side(world: World, deed: str, role: str) -> None:
    world.approved(world.dag("waiting"))
    world.submit(world.dag("listed"))
    world.dag("etl")
    limited = with_settings(world, role=role)
    does = role in {"source", "target", "both"}
    if deed not in EITHER_SIDE:
        does = role in ({"source", "both"} if deed in SOURCE_SIDE else {"target", "both"})

    if does:
        DEEDS[deed](limited)
    else:
        with pytest.raises(NotHereError):
            DEEDS[deed](limited)


def test_basic_mode_needs_a_target(world: World) -> None:
    submission = with_settings(world, role="source", source_mode="basic").submit(world.dag("etl"))

    assert submission.state is SubmissionState.PENDING


def test_health_names_an_airflow_that_was_not_tested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, session_factory: Any
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__STORE_PATH", str(tmp_path / "store.git"))
    monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", "3.4.0")

    assert health.look().problems == (health.UNTESTED,)
    assert health.UNTESTED in health.HARMLESS


@pytest.mark.req("R9")
@pytest.mark.parametrize("name", ["role", "source_mode", "import_policy"])
def test_health_names_a_setting_that_makes_no_sense(
    monkeypatch: pytest.MonkeyPatch, session_factory: Any, name: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__RELEASE__{name.upper()}", "banana")

    assert f"setting {name}" in health.look().problems
