"""Files that a failed check names are added by a click, and the release is checked again with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.release.checks import LACKING, PROOF, CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    TooLargeError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases.additions import LackingFile, add_files
from airflow_release_plugin.services.runtime import audit
from tests.harness.context import ADMIN, DEV, PASSED, REVIEWER, World

pytestmark = pytest.mark.req("R80")


def failed(world: World, *lacking: str) -> Release:
    """A release of ``etl.py`` whose check found these files lacking; its source has two."""
    world.write("conf/one.yaml", "one: 1\n")
    world.write("conf/two.yaml", "two: 2\n")
    release = world.request(world.submit(world.dag("etl")))
    facts = {"equal": False, LACKING: list(lacking)}
    proof = CheckItem(PROOF, CheckStatus.FAILED, "etl.py", "It lists conf.", facts)
    world.report(release, [*PASSED, proof])
    assert release.state is ReleaseState.FAILED
    return release


def files_of(release: Release) -> dict[str, str]:
    return {file["path"]: file["reason"] for file in release.items[0].submission.closure}


def test_all_that_the_check_names_is_added_and_checked_again(world: World) -> None:
    release = failed(world, "conf/one.yaml", "conf/two.yaml")
    before = release.change_digest
    world.write("conf/one.yaml", "changed: since\n")

    add_files(world.ctx, actor=DEV, release_id=release.id)

    assert (release.state, release.attempt) == (ReleaseState.CHECKING, 2)
    assert release.change_digest != before
    assert set(files_of(release)) == {"etl.py", "conf/one.yaml", "conf/two.yaml"}
    assert files_of(release)["conf/one.yaml"] == "added by dev: attempt 1 found it lacking"
    world.promote(world.decide(world.report(release)))
    promoted = world.store.files(world.head)
    assert world.store.read(promoted["conf/one.yaml"].blob) == b"one: 1\n"


def test_the_trail_says_who_added_what(world: World) -> None:
    release = failed(world, "conf/one.yaml")
    add_files(world.ctx, actor=DEV, release_id=release.id)

    subject = f"submission:{release.items[0].submission_id}"
    rows = events.events_of(world.ctx.session, subject).items
    [event] = [row for row in rows if row.tag == EventTag.SUBMISSION_COMPLETED]
    assert (event.actor_id, event.data["joined"]) == (DEV.id, ["conf/one.yaml"])
    assert audit.first_broken_link(world.ctx) is None


def test_only_those_that_are_chosen_are_added(world: World) -> None:
    release = failed(world, "conf/one.yaml", "conf/two.yaml")
    chosen = LackingFile(release.items[0].submission_id, "conf/two.yaml")

    add_files(world.ctx, actor=DEV, release_id=release.id, files=[chosen])

    assert set(files_of(release)) == {"etl.py", "conf/two.yaml"}


@pytest.mark.parametrize("actor", [ADMIN, REVIEWER])
def test_nobody_but_who_requested_it_adds_files(world: World, actor) -> None:
    release = failed(world, "conf/one.yaml")

    with pytest.raises(NotAllowedError, match="who requested it may: dev"):
        add_files(world.ctx, actor=actor, release_id=release.id)
    view = release_page.get_release(world.ctx, actor=actor, release_id=release.id)
    assert (view.addable, "add_files" in view.actions) == ((), False)


def test_the_page_offers_what_the_check_names(world: World) -> None:
    release = failed(world, "conf/one.yaml")
    view = release_page.get_release(world.ctx, actor=DEV, release_id=release.id)

    assert view.addable == (LackingFile(release.items[0].submission_id, "conf/one.yaml"),)
    assert "add_files" in view.actions


def test_a_file_that_the_check_does_not_name_is_refused(world: World) -> None:
    release = failed(world, "conf/one.yaml")
    other = LackingFile(release.items[0].submission_id, "conf/two.yaml")

    with pytest.raises(ConflictError, match=r"does not name conf/two\.yaml"):
        add_files(world.ctx, actor=DEV, release_id=release.id, files=[other])
    with pytest.raises(InvalidRequestError, match="Choose at least one"):
        add_files(world.ctx, actor=DEV, release_id=release.id, files=[])


def test_a_file_that_the_snapshot_does_not_have_is_refused(world: World) -> None:
    release = failed(world, "conf/invented.yaml")

    with pytest.raises(InvalidRequestError, match="had no such file when it was submitted"):
        add_files(world.ctx, actor=DEV, release_id=release.id)


def test_a_release_that_has_not_failed_gets_no_files(world: World) -> None:
    release = failed(world, "conf/one.yaml")
    add_files(world.ctx, actor=DEV, release_id=release.id)

    with pytest.raises(ConflictError, match="files are added to one whose check failed"):
        add_files(world.ctx, actor=DEV, release_id=release.id)


def test_a_failed_check_that_names_none_is_told_so(world: World) -> None:
    with pytest.raises(ConflictError, match="names no file"):
        add_files(world.ctx, actor=DEV, release_id=failed(world).id)


def test_more_files_than_a_unit_may_have_are_refused(world: World) -> None:
    release = failed(world, "conf/one.yaml", "conf/two.yaml")
    small = replace(world.ctx, settings=replace(world.ctx.settings, max_unit_files=2))

    with pytest.raises(TooLargeError, match="max_unit_files"):
        add_files(small, actor=DEV, release_id=release.id)
