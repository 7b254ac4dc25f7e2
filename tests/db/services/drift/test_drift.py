"""The drift guard: what runs against what was approved (R77). A real bundle serves a store of git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from airflow_release_plugin.cli.common import operator
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.drift import FindingKind
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError, NotFoundError
from airflow_release_plugin.models import Approval, Event, Release
from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift.drift import DriftReport
from airflow_release_plugin.standing import boot
from airflow_release_plugin.store.served_list import manifest_of, write_manifest
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World, dag_text
from tests.harness.manual_edits import beside, through_the_link
from tests.harness.serving import Serve

pytestmark = pytest.mark.req("R77")


def verify(world: World, actor: Actor = ADMIN) -> DriftReport:
    return drift.verify(world.ctx, actor=actor, name="prod")


def repair(world: World) -> DriftReport:
    return drift.repair(world.ctx, actor=ADMIN, name="prod")


def found(world: World) -> list[tuple[str, str]]:
    return [(finding.kind.value, finding.path) for finding in verify(world).findings]


def reports(world: World) -> list[Event]:
    return world.trail(EventTag.ENVIRONMENT_VERIFIED)


def test_what_was_released_is_as_approved(world: World, served: Path) -> None:
    result = verify(world)

    assert (result.findings, result.trees, result.head) == ((), 1, world.head)
    assert reports(world) == []


@pytest.mark.parametrize("edit", [through_the_link, beside])
def test_a_hot_edit_is_found_and_repaired(
    world: World, served: Path, edit: Callable[[Path, str], None]
) -> None:
    before = (served / "shop/load.py").read_text()
    edit(served / "shop/load.py", "rows = 2\n")
    assert found(world) == [("edited", "shop/load.py")]

    assert repair(world).findings == ()

    assert (served / "shop/load.py").read_text() == before
    assert (served / "shop/load.py").stat().st_mode & 0o777 == 0o444


def test_an_edit_through_a_hard_link_is_repaired_in_every_tree_and_in_the_cache(
    world: World, served: Path, serve: Serve
) -> None:
    pinned = serve(str(world.head)).path
    world.released(world.dag("other"))
    serve()
    assert (served / "shop/load.py").samefile(pinned / "shop/load.py")
    through_the_link(pinned / "shop/load.py", "rows = 2\n")
    assert len(verify(world).findings) == 3

    assert repair(world).findings == ()
    world.released(world.dag("third"))
    assert (serve().path / "shop/load.py").read_text() == "rows = 1\n"
    assert verify(world).findings == ()


def test_a_manifest_that_was_changed_along_does_not_help(world: World, served: Path) -> None:
    (entry,) = world.store.write_files({"etl.py": (0o100644, b"x = 1")})
    beside(served / "etl.py", "x = 1")
    old = world.store.files(world.head)["etl.py"]
    files = manifest_of(served)
    assert files is not None
    assert files["etl.py"].blob == old.blob
    write_manifest(served, {**files, "etl.py": entry}, boot())

    assert found(world) == [("edited", "etl.py")]


def test_missing_and_extra_files_are_found_and_repaired(world: World, served: Path) -> None:
    (served / "etl.py").unlink()
    (served / "shop" / "hot.py").write_text("x = 1")
    (served / "passwd").symlink_to("/etc/passwd")
    (served / "etc").symlink_to("/etc")
    assert sorted(found(world)) == [
        ("extra", "etc"),
        ("extra", "passwd"),
        ("extra", "shop/hot.py"),
        ("gone", "etl.py"),
    ]

    assert repair(world).findings == ()
    assert not (served / "shop" / "hot.py").exists()


def test_byte_code_is_no_finding(world: World, served: Path) -> None:
    (served / "__pycache__").mkdir()
    (served / "__pycache__" / "etl.cpython-312.pyc").write_bytes(b"code")

    assert found(world) == []


def test_an_executable_bit_that_was_not_released_is_found(world: World, served: Path) -> None:
    beside(served / "etl.py", (served / "etl.py").read_text())
    (served / "etl.py").chmod(0o755)

    assert found(world) == [("edited", "etl.py")]


def test_a_machine_that_stays_behind_is_found_once_it_had_the_time(
    world: World, served: Path, clock: FrozenClock
) -> None:
    world.released(world.dag("other"))
    assert found(world) == []

    clock.advance(minutes=10)
    (finding,) = verify(world).findings
    assert finding.kind is FindingKind.NOT_SERVED
    assert str(world.head)[:12] in finding.detail

    assert repair(world).findings == ()
    folders = world.twin.machine
    assert folders is not None
    assert folders.current.readlink().name == world.head


def test_a_branch_that_was_moved_by_hand_is_found_and_put_back(world: World, served: Path) -> None:
    before = world.head
    world.move_by_hand()
    assert [kind for kind, _ in found(world)] == ["moved", "unapproved"]

    assert repair(world).findings == ()
    assert world.head == before


def test_a_served_commit_that_the_store_lacks_is_found(world: World, served: Path) -> None:
    assert world.twin.machine is not None
    (world.twin.machine.pinned / ("0" * 40)).mkdir(parents=True)

    (finding,) = verify(world).findings
    assert (finding.kind, "The store has no commit" in finding.detail) == (FindingKind.UNAPPROVED, True)


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (Release, {"change_digest": "0" * 64}),
        (Approval, {"change_digest": "0" * 64}),
        (Approval, {"state": "rejected"}),
        (Release, {"released_at": None}),
    ],
    ids=["digest of the release", "digest of the approval", "approval", "release"],
)
def test_a_commit_without_the_approval_of_its_content_is_found(
    world: World, served: Path, table: type, changes: dict[str, str]
) -> None:
    assert found(world) == []
    world.ctx.session.execute(update(table).values(**changes))
    world.ctx.session.expire_all()

    assert ("unapproved", "") in found(world)


def test_exempt_releases_are_as_approved(world: World, serve: Serve, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "etl.py").write_text(dag_text("etl"))
    world.twin.folders["live"] = live
    adoption.adopt(world.ctx, actor=ADMIN, folder="live")
    serve()

    assert found(world) == []


def test_a_changed_trail_is_found_and_stays_found(world: World, served: Path) -> None:
    world.ctx.session.execute(update(Event).where(Event.sequence == 2).values(actor_name="somebody"))
    world.ctx.session.expire_all()

    assert [kind for kind, _ in found(world)] == ["audit_broken"]
    assert [finding.kind for finding in repair(world).findings] == [FindingKind.AUDIT_BROKEN]


def test_news_are_an_event_and_the_same_again_is_none(world: World, served: Path) -> None:
    through_the_link(served / "etl.py", "x = 1")
    verify(world)
    verify(world)
    assert [event.data["total"] for event in reports(world)] == [1]
    assert drift.is_alarmed(world.ctx, "prod")

    repair(world)
    assert [event.data["total"] for event in reports(world)] == [0, 1]
    assert not drift.is_alarmed(world.ctx, "prod")


def test_repair_tells_the_trail_and_lets_the_files_be_parsed_first(world: World, served: Path) -> None:
    through_the_link(served / "etl.py", "x = 1")
    world.twin.announced.clear()

    repair(world)

    (event,) = world.trail(EventTag.ENVIRONMENT_REPAIRED)
    assert event.data["paths"] == ["etl.py"]
    assert world.twin.announced == [("prod", world.head, ("etl.py",))]


def test_nothing_wrong_is_nothing_to_repair(world: World, served: Path) -> None:
    inode = (served / "etl.py").stat().st_ino

    assert repair(world).findings == ()
    assert (served / "etl.py").stat().st_ino == inode
    assert world.trail(EventTag.ENVIRONMENT_REPAIRED) == []


def test_a_machine_that_serves_nothing_looks_at_the_rest(world: World) -> None:
    world.released(world.dag("etl"))
    world.move_by_hand()

    result = verify(world)
    assert (result.trees, [finding.kind.value for finding in result.findings]) == (0, ["moved", "unapproved"])


@pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
def test_only_admins_verify_and_repair_but_everybody_sees_where_it_stands(
    world: World, served: Path, actor: Actor
) -> None:
    with pytest.raises(NotAllowedError):
        verify(world, actor)
    with pytest.raises(NotAllowedError):
        drift.repair(world.ctx, actor=actor, name="prod")
    status = drift.status(world.ctx, actor=actor, name="prod")
    assert (status.environment.commit, status.served) == (world.head, world.head)
    assert status.release is not None


def test_whoever_sits_at_the_computer_verifies_and_repairs(world: World, served: Path) -> None:
    world.move_by_hand()

    assert drift.repair(world.ctx, actor=operator(), name="prod").findings == ()


def test_another_environment_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        drift.verify(world.ctx, actor=ADMIN, name="staging")


def test_a_branch_made_by_hand_before_the_first_release_is_for_people(world: World) -> None:
    world.move_by_hand()

    assert [kind for kind, _ in found(world)] == ["moved", "unapproved"]
    with pytest.raises(ConflictError, match="made by hand"):
        repair(world)


def test_an_empty_environment_is_as_approved(world: World, serve: Serve, clock: FrozenClock) -> None:
    serve()
    clock.advance(hours=1)

    assert found(world) == []
    status = drift.status(world.ctx, actor=DEV, name="prod")
    assert (status.release, status.environment.commit) == (None, None)
