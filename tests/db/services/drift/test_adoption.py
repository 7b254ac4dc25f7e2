"""Adopting what somebody changed by hand: an import that people approve before it runs (R77)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.cli.common import operator
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    ItemBusyError,
    NotAllowedError,
    SelfApprovalError,
    StaleDigestError,
    TooLargeError,
)
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.drift import adoption, drift
from airflow_release_plugin.services.drift.adoption import AdoptionPlan
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.submissions import candidates, submissions
from tests.harness.context import ADMIN, DEV, FAILED, PIPELINE, REVIEWER, World, dag_text
from tests.harness.manual_edits import beside, through_the_link
from tests.harness.serving import Serve

pytestmark = pytest.mark.req("R77")
EDITED = dag_text("etl", lines="from shop.load import rows\nrows += 1")


@pytest.fixture
def machine(world: World, served: Path) -> Path:
    """The tree that this machine serves: ``etl.py`` and the module that it needs. Airflow has parsed it."""
    world.twin.folders["prod"] = served
    return served


def look(world: World, actor: Actor = ADMIN) -> AdoptionPlan:
    return adoption.plan(world.ctx, actor=actor, name="prod")


def adopt(world: World, actor: Actor = ADMIN, **changed: Any) -> Release:
    digest = changed.pop("digest", "") or look(world).digest
    release_request = ReleaseRequest(**{"title": "Keep it", "reviewers": ["reviewer"], **changed})
    return adoption.adopt(world.ctx, actor=actor, name="prod", digest=digest, release_request=release_request)


def text_of(machine: Path, path: str = "etl.py") -> str:
    return (machine / path).read_text()


def findings(world: World) -> list[str]:
    return [finding.kind.value for finding in drift.verify(world.ctx, actor=ADMIN, name="prod").findings]


def test_the_plan_says_exactly_what_it_takes_and_stores_nothing(world: World, machine: Path) -> None:
    beside(machine / "etl.py", EDITED)
    before = world.head

    made = look(world)

    assert [change.path for change in made.changes] == ["etl.py"]
    assert [(draft.path, draft.change, draft.dag_ids) for draft in made.drafts] == [
        ("etl.py", ChangeKind.MODIFIED, ["etl"])
    ]
    (file,) = adoption.diff(world.ctx, made)
    assert (file.path, file.diff.added, file.diff.removed) == ("etl.py", 1, 0)
    preview = adoption.preview(world.ctx, made, actor=ADMIN)
    assert (preview.problem, [person.name for person in preview.people]) == ("", ["reviewer"])
    assert (world.head, text_of(machine)) == (before, EDITED)


@pytest.mark.parametrize("edit", [through_the_link, beside])
def test_until_it_is_approved_the_environment_serves_what_was_approved_before(
    world: World, machine: Path, edit: Any
) -> None:
    approved, before = text_of(machine), world.head
    edit(machine / "etl.py", EDITED)

    release = adopt(world)

    assert (release.kind, release.state) == (ReleaseKind.IMPORT, ReleaseState.CHECKING)
    assert not release.exempt_reason
    assert (text_of(machine), world.head, findings(world)) == (approved, before, [])


def test_what_is_approved_is_exactly_what_was_changed_and_is_served_then(
    world: World, machine: Path, serve: Serve
) -> None:
    beside(machine / "etl.py", EDITED)
    release = adopt(world)

    world.promote(world.decide(world.report(release)))

    assert release.state is ReleaseState.RELEASED
    assert world.target()["etl.py"] == EDITED
    assert text_of(serve().path) == EDITED
    assert findings(world) == []


def test_a_branch_that_was_moved_by_hand_is_adopted(world: World, served: Path) -> None:
    before = world.head
    found = world.move_by_hand("etl.py", EDITED)
    assert adoption.preview(world.ctx, look(world), actor=ADMIN).problem == ""

    release = adopt(world)
    assert (world.head, findings(world)) == (before, [])

    world.promote(world.decide(world.report(release)))
    assert world.target()["etl.py"] == EDITED
    assert findings(world) == []
    assert found not in {commit.id for commit in world.store.history(world.head)}


def test_an_edit_on_top_of_a_moved_branch_is_adopted_with_it(
    world: World, machine: Path, serve: Serve
) -> None:
    world.move_by_hand("shop/load.py", "rows = 7\n")
    beside(serve().path / "etl.py", EDITED)

    world.promote(world.decide(world.report(adopt(world))))

    assert world.target()["shop/load.py"] == "rows = 7\n"
    assert world.target()["etl.py"] == EDITED


def test_a_module_gives_a_version_of_every_dag_that_needs_it(
    world: World, machine: Path, serve: Serve
) -> None:
    world.released(world.dag("other", lines="from shop.load import rows"), world.dag("apart"))
    machine = serve().path
    through_the_link(machine / "shop" / "load.py", "rows = 2\n")

    made = look(world)
    assert [draft.path for draft in made.drafts] == ["etl.py", "other.py"]
    world.promote(world.decide(world.report(adopt(world))))

    versions = {item.path: item.submission for item in world.ctx.session.get_one(Release, 3).items}
    new = world.store.files(world.head)["shop/load.py"]
    assert all(new in row.entries for row in versions.values())
    assert {row.state for row in versions.values()} == {SubmissionState.RELEASED}


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_new_and_removed_dags_are_part_of_it(world: World, machine: Path, serve: Serve) -> None:
    world.released(world.dag("other"))
    machine = serve().path
    world.twin.folders["prod"] = machine
    (machine / "other.py").unlink()
    (machine / "hot.py").write_text(dag_text("hot", lines="import hot_helper"))
    (machine / "hot_helper.py").write_text("x = 1\n")
    (machine / "notes.txt").write_text("of no Dag")

    made = look(world)
    assert [(draft.path, draft.change.value) for draft in made.drafts] == [
        ("hot.py", "new"),
        ("other.py", "deleted"),
    ]
    world.promote(world.decide(world.report(adopt(world))))

    assert sorted(world.target()) == [
        "etl.py",
        "hot.py",
        "hot_helper.py",
        "notes.txt",
        "shop/__init__.py",
        "shop/load.py",
    ]
    assert findings(world) == []
    (found,) = submissions.list_submissions(world.ctx, actor=ADMIN, search="hot.py").items
    assert (found.path, found.state) == ("hot.py", SubmissionState.RELEASED)


def test_a_file_that_a_dag_no_longer_needs_stays_if_it_stayed(world: World, machine: Path) -> None:
    beside(machine / "etl.py", dag_text("etl"))

    world.promote(world.decide(world.report(adopt(world))))

    assert world.target()["shop/load.py"] == "rows = 1\n"
    assert [change.path for change in world.ctx.session.get_one(Release, 2).changes] == ["etl.py"]


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_it_is_for_admins(world: World, machine: Path, actor: Actor) -> None:
    beside(machine / "etl.py", EDITED)
    digest = look(world).digest

    with pytest.raises(NotAllowedError):
        look(world, actor)
    with pytest.raises(NotAllowedError):
        adopt(world, actor, digest=digest)
    assert text_of(machine) == EDITED


def test_whoever_adopts_does_not_approve_it(world: World, machine: Path) -> None:
    beside(machine / "etl.py", EDITED)
    with pytest.raises(SelfApprovalError):
        adopt(world, reviewers=["admin"])

    release = world.report(adopt(world))
    with pytest.raises(SelfApprovalError):
        world.decide(release, ADMIN)


def test_whoever_sits_at_the_computer_may_adopt_and_people_approve(world: World, machine: Path) -> None:
    beside(machine / "etl.py", EDITED)

    release = adopt(world, operator())

    assert world.decide(world.report(release)).state is ReleaseState.APPROVED


def test_a_request_that_is_refused_repairs_nothing(world: World, machine: Path) -> None:
    moved = world.move_by_hand()
    world.twin.folders["prod"] = machine
    world.move_by_hand("etl.py", EDITED)

    with pytest.raises(InvalidRequestError, match="nobody chosen"):
        adopt(world, reviewers=[])
    assert world.head != moved
    assert look(world).changes


@pytest.mark.parametrize("end", ["rejected", "failed"])
def test_what_is_not_approved_is_gone_and_comes_back_by_nothing_but_an_approval(
    world: World, machine: Path, end: str
) -> None:
    approved = text_of(machine)
    beside(machine / "etl.py", EDITED)
    release = adopt(world)

    if end == "rejected":
        world.decide(world.report(release), verdict=Verdict.REJECT)
    else:
        world.report(release, FAILED)

    assert release.state.value == end
    assert (text_of(machine), findings(world)) == (approved, [])
    assert {item.submission.state for item in release.items} == {SubmissionState.REMOVED}
    assert "etl.py" not in {row.path for row in candidates.list_candidates(world.ctx, actor=ADMIN).items}
    assert creation.may_retry(world.ctx, ADMIN, release) == (end == "failed")
    if end == "failed":
        creation.retry(world.ctx, actor=ADMIN, release_id=release.id)
        assert world.report(release).state is ReleaseState.AWAITING_APPROVAL


def test_a_change_after_the_look_is_not_adopted(world: World, machine: Path) -> None:
    beside(machine / "etl.py", EDITED)
    digest = look(world).digest
    beside(machine / "etl.py", EDITED + "# more\n")

    with pytest.raises(StaleDigestError, match="has changed since you looked"):
        adopt(world, digest=digest)
    assert findings(world) == ["edited"]


def test_the_same_dag_is_not_adopted_twice_at_a_time(world: World, machine: Path) -> None:
    beside(machine / "etl.py", EDITED)
    adopt(world)
    beside(machine / "etl.py", EDITED + "# more\n")

    with pytest.raises(ItemBusyError, match="another adoption or rollback"):
        adopt(world)


def test_nothing_changed_is_nothing_to_adopt(world: World, machine: Path) -> None:
    with pytest.raises(ConflictError, match="Nothing in 'prod' was changed by hand"):
        look(world)


def test_before_the_first_release_there_is_nothing_to_compare_with(world: World) -> None:
    world.move_by_hand()

    with pytest.raises(ConflictError, match="Nothing was released"):
        look(world)


@pytest.mark.parametrize("target", ["/etc/hostname", "../../../outside.py"])
def test_a_link_out_of_the_tree_is_never_read(
    world: World, machine: Path, tmp_path: Path, target: str
) -> None:
    (machine.parent / "outside.py").write_text("secret = 1")
    (machine / "leak.py").symlink_to(target)
    beside(machine / "etl.py", EDITED)

    made = look(world)

    assert len(made.problems) == 1
    assert "leak.py" not in {change.path for change in made.changes}
    with pytest.raises(ConflictError, match="cannot be adopted"):
        adopt(world, digest=made.digest)


def test_more_files_than_a_unit_may_have_are_not_read(world: World, machine: Path) -> None:
    for number in range(3):
        (machine / f"{number}.txt").write_text("x")
    settings = replace(world.ctx.settings, max_unit_files=2)

    with pytest.raises(TooLargeError, match="3 served files differ"):
        adoption.plan(replace(world.ctx, settings=settings), actor=ADMIN, name="prod")


def test_files_of_no_dag_are_no_release(world: World, machine: Path) -> None:
    (machine / "notes.txt").write_text("of no Dag")

    (problem,) = look(world).problems
    assert "No Dag that Airflow knows needs what was changed" in problem


def test_a_dag_that_another_file_defines_is_no_release(world: World, machine: Path) -> None:
    (machine / "copy.py").write_text(dag_text("etl"))

    (problem,) = look(world).problems
    assert "would be in two files" in problem


def test_an_edit_on_a_machine_that_is_behind_waits(world: World, machine: Path) -> None:
    world.released(world.dag("other"))
    beside(machine / "etl.py", EDITED)

    with pytest.raises(ConflictError, match="Wait until its dag processor has followed"):
        look(world)


def test_the_trail_names_machine_commits_and_paths(world: World, machine: Path) -> None:
    base = world.head
    beside(machine / "etl.py", EDITED)
    made = look(world)
    release = adopt(world)

    (event,) = world.trail(EventTag.ENVIRONMENT_DRIFT_ADOPTED)
    assert event.data == {
        "host": made.host,
        "found": base,
        "base": base,
        "release": release.number,
        "paths": ["etl.py"],
        "total": 1,
        "change_digest": release.change_digest,
    }


def test_another_release_of_the_same_dag_is_named_and_becomes_stale(world: World, machine: Path) -> None:
    world.dag("etl", lines="from shop.load import rows  # newer")
    other = world.waiting("etl.py")
    beside(machine / "etl.py", EDITED)

    assert [row.release_id for row in look(world).busy] == [other.id]
    world.promote(world.decide(world.report(adopt(world))))

    assert world.promote(world.decide(other)).state is ReleaseState.STALE


def test_it_is_rolled_back_like_any_release(world: World, machine: Path) -> None:
    from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
    from airflow_release_plugin.services.rollbacks import planning, rollbacks

    approved = text_of(machine)
    beside(machine / "etl.py", EDITED)
    release = world.promote(world.decide(world.report(adopt(world))))

    undo = UndoRelease(release.id)
    digest = planning.plan(world.ctx, actor=ADMIN, scope=undo).digest
    release_request = ReleaseRequest("Back", reviewers=["reviewer"])
    back = rollbacks.request(
        world.ctx, actor=ADMIN, scope=undo, digest=digest, release_request=release_request
    )
    world.promote(world.decide(world.report(back)))

    assert world.target()["etl.py"] == approved
