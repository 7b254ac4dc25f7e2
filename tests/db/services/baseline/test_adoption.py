"""What an environment runs today becomes its first commit (R21)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.cli.common import operator
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.ports import DagStanding
from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.domain.tree.files import EXECUTABLE
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
)
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.repositories import events, submissions
from airflow_release_plugin.services.baseline import adoption, continuity
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.submissions import candidates
from airflow_release_plugin.store.serving import ServedTrees
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World, dag_text
from tests.harness.work_trees import candidate_files

pytestmark = pytest.mark.req("R21")
NEXT = datetime(2026, 3, 3, tzinfo=timezone.utc)


def standing(name: str, **changes: Any) -> DagStanding:
    """A daily DAG of the old bundle with three runs."""
    return replace(
        DagStanding(name, "live", True, paused=False, schedule="@daily", next_run=NEXT, runs=3), **changes
    )


@pytest.fixture
def live(world: World, tmp_path: Path) -> Path:
    """A folder that prod runs today: two DAG files, what they share, and files of no DAG."""
    root = tmp_path / "live"
    files = {
        "etl.py": dag_text("etl", lines="from shop.load import rows"),
        "team/reports.py": dag_text("weekly", "monthly"),
        "shop/__init__.py": "",
        "shop/load.py": "rows = 1\n",
        "notes/unused.bin": "\r\n\x00 of no Dag",
        ".airflowignore": "notes/.*\n",
        "__pycache__/etl.cpython-312.pyc": "byte code",
        ".git/HEAD": "ref: refs/heads/main\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    world.twin.folders["live"] = root
    world.twin.history.update({name: standing(name) for name in ("etl", "weekly", "monthly")})
    return root


def adopt(world: World, actor: Actor = ADMIN) -> Release:
    return adoption.adopt(world.ctx, actor=actor, folder="live")


def test_every_file_is_in_the_first_commit_byte_for_byte(world: World, live: Path) -> None:
    release = adopt(world)

    on_disk = {
        file.relative_to(live).as_posix(): file.read_bytes()
        for file in live.rglob("*")
        if file.is_file() and not {".git", "__pycache__"} & set(file.relative_to(live).parts)
    }
    stored = world.store.files(world.head)
    assert {path: world.store.read(entry.blob) for path, entry in stored.items()} == on_disk
    assert [path for path, entry in stored.items() if entry.mode == EXECUTABLE] == ["run.sh"]
    assert (release.state, release.target_commit) == (ReleaseState.RELEASED, world.head)
    assert len(world.store.history(world.head)) == 1


def test_what_editors_leave_is_not_adopted(world: World, live: Path) -> None:
    for leaving in ("etl.py~", "team/.reports.py.swp", ".DS_Store", ".ipynb_checkpoints/a.ipynb"):
        (live / leaving).parent.mkdir(exist_ok=True)
        (live / leaving).write_text("x")
    adopt(world)
    assert world.store.files(world.head).keys() == {
        *("etl.py", "team/reports.py", "shop/__init__.py", "shop/load.py", "notes/unused.bin"),
        *(".airflowignore", "run.sh"),
    }


def test_the_check_takes_every_name_that_adoption_took(world: World, live: Path, tmp_path: Path) -> None:
    (live / "team/run:2026.sql").write_text("select 1")
    adopt(world)

    files = {file.path: file for file in candidate_files(world, world.request(_new_version(world)))}
    trees = ServedTrees(tmp_path / "shared")
    with trees.locked():
        trees.place(tmp_path / "tree", files, world.store.read_all, previous=None)

    assert (tmp_path / "tree/team/run:2026.sql").read_text() == "select 1"


def _new_version(world: World) -> Submission:
    return world.submit(world.dag("another"))


def test_each_dag_file_is_a_released_version_with_its_closure(world: World, live: Path) -> None:
    adopt(world)

    rows = submissions.list_submissions(world.ctx.session).items
    found = {row.path: row for row in rows}
    assert {(row.path, row.version, row.state, *row.dag_ids) for row in rows} == {
        ("etl.py", 1, SubmissionState.RELEASED, "etl"),
        ("team/reports.py", 1, SubmissionState.RELEASED, "monthly", "weekly"),
    }
    closure = {".airflowignore", "etl.py", "shop/__init__.py", "shop/load.py"}
    assert {file["path"] for file in found["etl.py"].files} == closure
    assert set(world.store.files(found["etl.py"].commit_id)) == closure


def test_it_is_an_import_that_nobody_had_to_approve_and_the_trail_says_so(world: World, live: Path) -> None:
    release = adopt(world)

    trail = events.events_of(world.ctx.session, "environment:prod").items
    adopted = next(event for event in trail if event.tag is EventTag.ENVIRONMENT_ADOPTED)
    assert (release.kind, release.title) == (ReleaseKind.IMPORT, "Baseline")
    assert (adopted.actor_name, adopted.data["bundle"], adopted.data["files"]) == ("admin", "live", 7)
    assert ("Exempt", release.exempt_reason) in world.store.commit_facts(str(world.head)).trailers
    assert str(live) in release.exempt_reason


def test_files_of_the_source_that_equal_the_baseline_are_no_candidates(world: World, live: Path) -> None:
    adopt(world)
    for path in ("etl.py", "team/reports.py", "shop/__init__.py", "shop/load.py", ".airflowignore"):
        world.write(path, (live / path).read_text())
    world.write("team/reports.py", dag_text("weekly", "monthly", lines="x = 1"))

    rows = candidates.list_candidates(world.ctx, actor=ADMIN).items
    assert [(row.path, row.change.value) for row in rows] == [("team/reports.py", "modified")]


def test_doing_it_again_answers_the_same_release(world: World, live: Path) -> None:
    first = adopt(world)

    assert adopt(world) is first
    assert len(world.store.history(world.head)) == 1


def test_an_adoption_that_was_cut_off_is_finished_by_the_next(
    world: World, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(promotions, "_note", cut)
        with pytest.raises(KeyboardInterrupt):
            adopt(world)
    world.ctx.session.rollback()
    assert world.head is None

    release = adopt(world)

    assert (release.state, release.target_commit) == (ReleaseState.RELEASED, world.head)


def test_an_environment_that_holds_releases_adopts_nothing(world: World, live: Path) -> None:
    world.released(world.dag("first"))

    with pytest.raises(ConflictError, match="only an empty environment"):
        adopt(world)


def test_a_baseline_that_changed_since_is_not_adopted_again(world: World, live: Path) -> None:
    adopt(world)
    (live / "etl.py").write_text(dag_text("etl", lines="x = 2"))

    with pytest.raises(ConflictError, match="Submit what differs"):
        adopt(world)


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_only_admins_adopt_and_look(world: World, live: Path, actor: Actor) -> None:
    with pytest.raises(NotAllowedError):
        adopt(world, actor)
    with pytest.raises(NotAllowedError):
        adoption.preview(world.ctx, actor=actor, folder="live")


def test_whoever_sits_at_the_computer_adopts(world: World, live: Path) -> None:
    assert adopt(world, operator()).requested_by_name.endswith("(command line)")


def test_the_preview_writes_nothing_and_says_what_does_not_import(world: World, live: Path) -> None:
    world.twin.errors["team/broken.py"] = "Traceback\nImportError: no module shop"

    found = adoption.preview(world.ctx, actor=ADMIN, folder=str(live))

    assert (found.bundle, len(found.entries), found.dag_ids) == ("live", 7, ("etl", "monthly", "weekly"))
    assert found.dags["team/reports.py"] == ("monthly", "weekly")
    assert found.broken == {"team/broken.py": "ImportError: no module shop"}
    assert found.size == sum(entry.size for entry in found.entries)
    assert (world.head, submissions.any_unit(world.ctx.session)) == (None, False)


def _link_out(live: Path) -> str:
    (live / "outside.py").symlink_to("/etc/hostname")
    return "'outside.py' is a symbolic link that leaves"


def _link_folder_out(live: Path) -> str:
    (live / "shared").symlink_to("/etc")
    return "'shared' is a symbolic link that leaves"


def _large(live: Path) -> str:
    (live / "model.bin").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    return "'model.bin' has 5242881 bytes"


def _reserved(live: Path) -> str:
    (live / ".release-manifest").write_text("mine")
    return "'.release-manifest' cannot travel"


@pytest.mark.parametrize("spoil", [_link_out, _link_folder_out, _large, _reserved])
def test_what_cannot_be_taken_is_named_and_stops_it(world: World, live: Path, spoil: Any) -> None:
    message = spoil(live)

    assert any(message in p for p in adoption.preview(world.ctx, actor=ADMIN, folder="live").problems)
    with pytest.raises(ConflictError, match=message):
        adopt(world)
    assert world.head is None


def test_links_inside_the_folder_count_as_what_they_point_at(world: World, live: Path) -> None:
    (live / "team" / "again.sql").symlink_to("../notes/unused.bin")

    adopt(world)

    assert world.target()["team/again.sql"] == world.target()["notes/unused.bin"]


def test_a_bundle_that_airflow_has_not_parsed_waits(world: World, live: Path) -> None:
    world.twin.unparsed.update(("etl.py", "team/reports.py"))

    with pytest.raises(ConflictError, match="knows no Dag"):
        adopt(world)


def test_the_source_is_not_adopted(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="is the source"):
        adoption.adopt(world.ctx, actor=ADMIN, folder="dev")


def test_an_unknown_folder_is_named(world: World) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        adoption.adopt(world.ctx, actor=ADMIN, folder="nowhere")


def test_a_dag_file_that_cannot_be_analysed_is_taken_alone_with_a_warning(world: World, live: Path) -> None:
    (live / "odd.py").write_text(dag_text("odd", lines="from . import nothing_at_all\nfrom .... import x"))
    world.twin.history["odd"] = standing("odd")

    adopt(world)

    (row,) = (s for s in submissions.list_submissions(world.ctx.session).items if s.path == "odd.py")
    assert row.state is SubmissionState.RELEASED
    assert row.warnings


class TestAfterTheSwitch:
    """``--verify`` compares with what was recorded at the adoption."""

    def test_nothing_changed(self, world: World, live: Path) -> None:
        adopt(world)
        for name, before in world.twin.history.items():
            world.twin.history[name] = replace(before, bundle="prod")

        found = continuity.compare(world.ctx)

        assert (found.bundles, found.waiting, found.differences) == ({"prod": 3}, (), ())

    def test_what_airflow_has_not_parsed_yet_waits(self, world: World, live: Path) -> None:
        adopt(world)
        world.twin.history["etl"] = standing("etl", active=False)

        assert continuity.compare(world.ctx).waiting == ("etl",)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"paused": True}, "paused"),
            ({"schedule": "@hourly"}, "schedule @hourly, was @daily"),
            ({"runs": 2}, "2 of 3 runs are left"),
            ({"first_new_run": datetime(2026, 3, 1, tzinfo=timezone.utc)}, "ran again for 2026-03-01"),
            ({"next_run": datetime(2026, 3, 1, tzinfo=timezone.utc)}, "would run again for 2026-03-01"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_what_changed_is_named(
        self, world: World, live: Path, changes: dict[str, Any], message: str
    ) -> None:
        adopt(world)
        world.twin.history["etl"] = standing("etl", **changes)

        (line,) = continuity.compare(world.ctx).differences
        assert line.startswith("etl: ")
        assert message in line

    def test_a_dag_that_is_gone_is_named(self, world: World, live: Path) -> None:
        adopt(world)
        del world.twin.history["weekly"]

        assert continuity.compare(world.ctx).differences == ("weekly: Airflow does not know it any more",)

    def test_runs_that_came_since_are_no_difference(self, world: World, live: Path) -> None:
        adopt(world)
        later = datetime(2026, 3, 4, tzinfo=timezone.utc)
        world.twin.history["etl"] = standing("etl", first_new_run=NEXT, next_run=later)

        assert continuity.compare(world.ctx).differences == ()

    def test_without_an_adoption_there_is_nothing_to_compare(self, world: World) -> None:
        with pytest.raises(NotFoundError, match="was not adopted"):
            continuity.compare(world.ctx)
