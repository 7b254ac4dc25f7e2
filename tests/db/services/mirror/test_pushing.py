"""Pushing to a mirror: what arrives, what is left alone, and what is said when it does not go through."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError
from airflow_release_plugin.models import Notification
from airflow_release_plugin.services.mirror import pushing, standing
from airflow_release_plugin.services.server import health
from airflow_release_plugin.store.base import tag_ref
from tests.db.services.mirror.conftest import PROD, push, refs_at, status, with_mirror
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, steps_of
from tests.harness.git import git, push_as_somebody
from tests.harness.git_server import LOGIN, TOKEN, GitServer

pytestmark = pytest.mark.req("R87")


@pytest.fixture(params=["server", "folder"])
def world(request: pytest.FixtureRequest, world: World, server: GitServer) -> World:
    """An installation with an empty mirror: on a server, or in a folder."""
    if request.param == "folder":
        return with_mirror(world, str(server.repository))
    return with_mirror(world, server.url, GitAccess(login=LOGIN, password=TOKEN))


def test_branch_and_tags_are_there_after_a_promotion_and_git_reads_them(
    world: World, server: GitServer
) -> None:
    world.released(world.dag("etl"))
    push(world)
    world.released(world.dag("etl", "x = 2"))
    push(world)

    tags = {tag_ref(f"R-00000{number}"): world.store.ref(tag_ref(f"R-00000{number}")) for number in (1, 2)}
    assert refs_at(server.repository) == {PROD: world.head, **tags}
    assert git(server.repository, "fsck", "--full", "--strict") == ""
    assert git(server.repository, "show", "prod:etl.py") == world.target()["etl.py"].strip()
    assert len(git(server.repository, "log", "--format=%H", "prod").splitlines()) == 2
    assert git(server.repository, "clone", "--quiet", ".", str(server.root / "clone")) == ""
    assert git(server.root / "clone", "blame", "-s", "--porcelain", "etl.py").split()[0] in tags.values()


def test_nothing_is_asked_while_there_is_nothing_to_push(
    world: World, server: GitServer, clock: FrozenClock
) -> None:
    world.released(world.dag("etl"))
    assert push(world) is not None
    server.requests.clear()

    assert push(world) is None
    assert server.requests == []
    clock.advance(minutes=10)
    assert push(world) is not None
    assert status(world).state is MirrorState.UP_TO_DATE


def test_a_promotion_shows_as_behind_until_it_is_pushed(world: World, clock: FrozenClock) -> None:
    assert standing.alarm(world.ctx) is None
    world.released(world.dag("etl"))
    push(world)
    assert status(world).state is MirrorState.UP_TO_DATE
    assert status(world).looked_at == clock.now

    world.released(world.dag("etl", "x = 2"))

    assert status(world).state is MirrorState.BEHIND
    push(world)
    assert status(world).state is MirrorState.UP_TO_DATE


def test_only_the_objects_that_are_new_are_sent(world: World, server: GitServer) -> None:
    for number in range(30):
        world.write(f"data/{number % 3}/part{number}.txt", str(number))
    paths = ", ".join(f'"data/{number % 3}/part{number}.txt"' for number in range(30))
    world.released(
        world.dag("large", f"from pathlib import Path\nP = [Path(__file__).parent / n for n in ({paths},)]")
    )
    push(world)
    before = count_objects(server.repository)
    world.released(world.dag("small"))

    push(world)

    assert count_objects(server.repository) - before == 3  # a file, the root, a commit


def count_objects(repository: Path) -> int:
    return len(git(repository, "cat-file", "--batch-check", "--batch-all-objects").splitlines())


def test_what_else_is_in_the_mirror_stays(world: World, server: GitServer) -> None:
    foreign = git(server.repository, "commit-tree", "-m", "theirs", git(server.repository, "mktree"))
    git(server.repository, "update-ref", "refs/heads/main", foreign)
    world.released(world.dag("etl"))

    push(world)

    assert refs_at(server.repository)["refs/heads/main"] == foreign
    assert refs_at(server.repository)[PROD] == world.head


def test_a_mirror_moved_by_somebody_else_is_an_alarm_and_stays_as_it_is(
    world: World, server: GitServer, clock: FrozenClock, tmp_path: Path
) -> None:
    world = with_notifier(world)
    world.released(world.dag("etl"))
    push(world)
    theirs = push_as_somebody(server.repository, tmp_path / "workspace")
    world.released(world.dag("etl", "x = 2"))

    push(world)
    clock.advance(minutes=1)
    push(world)

    assert refs_at(server.repository)[PROD] == theirs
    assert tag_ref("R-000002") not in refs_at(server.repository)
    shown = status(world)
    assert (shown.state, [(each.ref, each.found, each.ours) for each in shown.moved]) == (
        MirrorState.MOVED,
        [(PROD, theirs, world.head)],
    )
    (event,) = world.trail(EventTag.ENVIRONMENT_MIRROR_MOVED)
    assert event.data["refs"] == [{"ref": PROD, "found": theirs, "ours": world.head}]
    assert standing.alarm(world.ctx) is MirrorState.MOVED
    assert health.MIRROR_MOVED in health.HARMLESS
    assert [(event, theirs in reason) for event, reason in told(world)] == [("drifted", True)]


def with_notifier(world: World) -> World:
    settings = replace(
        world.ctx.settings,
        drift_notifiers=json.dumps([{"notifier": "airflow.providers.smtp.SmtpNotifier", "kwargs": {}}]),
    )
    return replace(world, ctx=replace(world.ctx, settings=settings))


def told(world: World) -> list[tuple[str, str]]:
    rows = world.ctx.session.query(Notification).order_by(Notification.id)
    return [(row.event.value, row.notice["reason"]) for row in rows if row.subject_type == "environment"]


def test_what_an_admin_gives_up_is_overwritten_and_nothing_else(
    world: World, server: GitServer, clock: FrozenClock, tmp_path: Path
) -> None:
    world = with_notifier(world)
    world.released(world.dag("etl"))
    push(world)
    push_as_somebody(server.repository, tmp_path / "workspace")
    world.released(world.dag("etl", "x = 2"))
    push(world)
    with pytest.raises(NotAllowedError):
        standing.overwrite(world.ctx, actor=DEV, name="prod")
    standing.overwrite(world.ctx, actor=ADMIN, name="prod")
    assert status(world).is_ordered is True
    (tmp_path / "workspace" / "theirs.py").write_text("x = 'later'\n")
    git(tmp_path / "workspace", "commit", "--quiet", "--all", "--message", "later")
    git(tmp_path / "workspace", "push", "--quiet", "origin", "prod")
    later = git(tmp_path / "workspace", "rev-parse", "HEAD")

    push(world)
    assert refs_at(server.repository)[PROD] == later  # nobody has seen that one
    standing.overwrite(world.ctx, actor=ADMIN, name="prod")
    push(world)

    assert refs_at(server.repository)[PROD] == world.head
    assert status(world).state is MirrorState.UP_TO_DATE
    assert len(world.trail(EventTag.ENVIRONMENT_MIRROR_OVERWRITTEN)) == 2
    assert len(world.trail(EventTag.ENVIRONMENT_MIRROR_SETTLED)) == 1
    assert [event for event, _ in told(world)] == ["drifted", "drifted", "drift_ended"]
    with pytest.raises(ConflictError, match="nothing was changed"):
        standing.overwrite(world.ctx, actor=ADMIN, name="prod")


def test_a_mirror_that_people_put_back_themselves_goes_on(
    world: World, server: GitServer, clock: FrozenClock, tmp_path: Path
) -> None:
    world.released(world.dag("etl"))
    push(world)
    before = str(world.head)
    push_as_somebody(server.repository, tmp_path / "workspace")
    world.released(world.dag("etl", "x = 2"))
    push(world)
    git(server.repository, "update-ref", PROD, before)
    assert push(world) is None  # not before a minute

    clock.advance(minutes=1)
    push(world)

    assert refs_at(server.repository)[PROD] == world.head
    assert status(world).state is MirrorState.UP_TO_DATE
    assert len(world.trail(EventTag.ENVIRONMENT_MIRROR_SETTLED)) == 1


def test_an_order_that_comes_while_a_push_is_under_way_is_heeded_by_the_next(
    world: World, server: GitServer, tmp_path: Path
) -> None:
    world.released(world.dag("etl"))
    push(world)
    push_as_somebody(server.repository, tmp_path / "workspace")
    world.released(world.dag("etl", "x = 2"))
    first = push(world)
    standing.overwrite(world.ctx, actor=ADMIN, name="prod")
    assert first is not None

    standing.note(world.ctx, first, actor=ADMIN)  # what another server found meanwhile
    push(world)

    assert refs_at(server.repository)[PROD] == world.head


@pytest.mark.parametrize("how", ["deleted", "moved back"])
def test_a_branch_that_somebody_deleted_or_moved_back_is_put_back_and_told(
    world: World, server: GitServer, clock: FrozenClock, how: str
) -> None:
    world = with_notifier(world)
    world.released(world.dag("etl"))
    first = str(world.head)
    world.released(world.dag("etl", "x = 2"))
    push(world)
    if how == "deleted":
        git(server.repository, "update-ref", "-d", PROD)
    else:
        git(server.repository, "update-ref", PROD, first)
    clock.advance(minutes=10)

    push(world)

    assert refs_at(server.repository)[PROD] == world.head
    (event,) = world.trail(EventTag.ENVIRONMENT_MIRROR_MOVED)
    assert (event.data["put_back"], event.data["refs"][0]["found"]) == (
        True,
        "" if how == "deleted" else first,
    )
    assert status(world).state is MirrorState.UP_TO_DATE
    assert [event for event, _ in told(world)] == ["drifted"]


def test_a_push_that_was_not_noted_is_no_alarm(world: World, server: GitServer) -> None:
    """The server that pushed died before it could write that down."""
    world.released(world.dag("etl"))
    push(world)
    world.released(world.dag("etl", "x = 2"))
    job = pushing._due(world.ctx, "", is_asked=False)[0]
    assert isinstance(job, pushing.Push)
    pushing.push_to_mirror(job, steps_of(world))
    world.released(world.dag("etl", "x = 3"))
    world.ctx.session.flush()

    world.ctx.clock.advance(minutes=5)  # type: ignore[attr-defined]
    push(world)

    assert refs_at(server.repository)[PROD] == world.head
    assert world.trail(EventTag.ENVIRONMENT_MIRROR_MOVED) == []


def test_a_mirror_with_another_history_is_left_alone(world: World, server: GitServer) -> None:
    foreign = git(server.repository, "commit-tree", "-m", "theirs", git(server.repository, "mktree"))
    git(server.repository, "update-ref", PROD, foreign)
    world.released(world.dag("etl"))

    push(world)

    assert refs_at(server.repository) == {PROD: foreign}
    assert status(world).state is MirrorState.MOVED


def test_a_tag_that_somebody_moved_is_an_alarm(world: World, server: GitServer, clock: FrozenClock) -> None:
    world.released(world.dag("etl"))
    world.released(world.dag("etl", "x = 2"))
    push(world)
    git(server.repository, "update-ref", tag_ref("R-000001"), str(world.head))
    clock.advance(minutes=10)

    push(world)

    assert [each.ref for each in status(world).moved] == [tag_ref("R-000001")]


def test_a_tag_that_is_gone_comes_back(world: World, server: GitServer, clock: FrozenClock) -> None:
    world.released(world.dag("etl"))
    world.released(world.dag("etl", "x = 2"))
    push(world)
    git(server.repository, "update-ref", "-d", tag_ref("R-000001"))
    clock.advance(minutes=10)

    push(world)

    assert tag_ref("R-000001") in refs_at(server.repository)


def test_one_server_pushes_at_a_time(world: World) -> None:
    world.released(world.dag("etl"))
    assert push(world, by="one") is not None
    world.released(world.dag("etl", "x = 2"))

    assert push(world, by="another") is None
    assert push(world, by="one") is not None


def test_an_installation_without_a_mirror_does_nothing(world: World) -> None:
    bare = with_mirror(world, "")
    bare = replace(bare, ctx=replace(bare.ctx, settings=replace(bare.ctx.settings, mirror_conn_id="")))

    assert push(bare) is None
    assert standing.status(bare.ctx, actor=ADMIN) is None
