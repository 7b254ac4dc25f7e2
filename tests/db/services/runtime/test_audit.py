"""The audit trail: complete, in the same transaction, and broken by any change."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from airflow_release_plugin.airflow_internals.notifiers import DeliveryProblem
from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle_folders import ServingFolders
from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import NotificationState
from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.exceptions import (
    NotAllowedError,
    NotFoundError,
    TaskClaimedError,
    TaskMismatchError,
)
from airflow_release_plugin.models import Emergency, Event, Notification, Release
from airflow_release_plugin.services.approvals import deputies, flow_admin, gates
from airflow_release_plugin.services.baseline import adoption, earlier_store
from airflow_release_plugin.services.discussion import comments
from airflow_release_plugin.services.drift import adoption as drift_adoption
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.exports import exports
from airflow_release_plugin.services.exports import job as export_job
from airflow_release_plugin.services.imports import applying, endings, placeholders, preflight
from airflow_release_plugin.services.imports import job as import_job
from airflow_release_plugin.services.mirror import pushing, standing
from airflow_release_plugin.services.notifications import delivery, outbox
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.read_models import release_page
from airflow_release_plugin.services.releases import (
    checks,
    creation,
    decisions,
    emergencies,
    holds,
    releases,
    task_claims,
)
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.runtime import audit, claims, keys
from airflow_release_plugin.services.submissions import submissions, undoing
from airflow_release_plugin.services.verification import runs, verification
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.base import tag_ref
from airflow_release_plugin.store.serving import ServedTrees
from tests.harness.bundles import CONTENT, bundle_files, manifest_of
from tests.harness.clock import FrozenClock
from tests.harness.context import (
    ADMIN,
    DEV,
    FAILED,
    PASSED,
    PIPELINE,
    REVIEWER,
    World,
    dag_text,
    steps_of,
    with_settings,
)
from tests.harness.discussion import point_at, reopen, resolve, say
from tests.harness.exports import ask, with_transfers
from tests.harness.footprints import approved, seen
from tests.harness.git import git, push_as_somebody
from tests.harness.imports import uploaded, with_imports
from tests.harness.manual_edits import push_by_hand
from tests.harness.retention import clean
from tests.harness.two_installations import servers

RELEASE_JOB = [
    (EventTag.SUBMISSION_CREATED, "dev"),
    (EventTag.RELEASE_CREATED, "dev"),
    (EventTag.RELEASE_MOVED, "dev"),
    (EventTag.RELEASE_CHECKED, "pipeline"),
    (EventTag.RELEASE_MOVED, "pipeline"),
    (EventTag.APPROVAL_OPENED, "pipeline"),
    (EventTag.APPROVAL_DECIDED, "reviewer"),
    (EventTag.APPROVAL_CLOSED, "reviewer"),
    (EventTag.RELEASE_MOVED, "reviewer"),
    (EventTag.RELEASE_MOVED, "pipeline"),
    (EventTag.ENVIRONMENT_PROMOTED, "pipeline"),
]


def trail(world: World) -> list[Event]:
    return list(world.ctx.session.scalars(select(Event).order_by(Event.sequence)))


def test_every_step_of_a_release_names_who_did_it(world: World) -> None:
    world.released(world.dag("etl"))

    assert [(event.tag, event.actor_name) for event in trail(world)] == RELEASE_JOB


def adopt_what_runs(world: World) -> None:
    live = world.twin.root.parent / "live"
    live.mkdir()
    (live / "old.py").write_text(dag_text("old"))
    world.twin.folders["live"] = live
    adoption.adopt(world.ctx, actor=ADMIN, folder="live")


def find_drift(world: World) -> None:
    """A served file that somebody edited, found and repaired."""
    base = world.twin.root.parent / "served"
    folders = ServingFolders(base, base / "current", base / "tracking", base / "versions")
    tree = folders.tracking / str(world.head)
    trees = ServedTrees(base)
    with trees.locked():
        trees.place(tree, world.store.files(world.head), world.store.read_all, previous=None)
    (tree / "new.py").write_text("x = 1")
    world.twin.machine = folders
    drift.verify(world.ctx, actor=ADMIN, name="prod")
    drift.repair(world.ctx, actor=ADMIN, name="prod")
    world.move_by_hand("etl.py", dag_text("etl", lines="# by hand"))
    drift.forget(world.ctx, actor=ADMIN, name="prod", host=socket.gethostname())
    made = drift_adoption.plan(world.ctx, actor=ADMIN, name="prod")
    release_request = ReleaseRequest("Keep it", reviewers=["reviewer"])
    kept = drift_adoption.adopt(
        world.ctx, actor=ADMIN, name="prod", digest=made.digest, release_request=release_request
    )
    releases.revoke(world.ctx, actor=ADMIN, release_id=kept.id)


def take_in_an_earlier_store(world: World) -> None:
    path = world.twin.root.parent / "earlier.git"
    store = create_repository(path)
    tip = push_by_hand(store, "old.py", "x = 1\n", branch="older")
    store.move_ref(tag_ref("R-900000"), expected=None, new=tip)
    earlier_store.take_in(world.ctx, actor=ADMIN, path=path)


def export_and_discard(world: World) -> None:
    fetched, failing = ask(world, "etl"), ask(world, "etl")
    failing.report = {"attempt": claims.MAX_ATTEMPTS}
    export_job.run_once(work=steps_of(world))
    exports.fetch(world.ctx, actor=DEV, export_id=fetched.id)
    exports.discard(world.ctx, actor=DEV, export_id=fetched.id)
    exports.retry(world.ctx, actor=DEV, export_id=failing.id)


def import_and_discard(world: World) -> None:
    """A bundle that is taken in, checked and given up, one that is refused, and what happens to keys."""
    (plain,) = manifest_of(bundle_files(CONTENT)).units
    row = uploaded(world, units=(replace(plain, pools=("narrow",)),))
    preflight.check(world.ctx, actor=ADMIN, import_id=row.id)
    placeholders.create(world.ctx, actor=ADMIN, import_id=row.id, pools=["narrow"])
    endings.discard(world.ctx, actor=ADMIN, import_id=row.id)
    uploaded(world, b"no bundle")
    keys.generate(world.ctx, actor=ADMIN, replacing=True)
    keys.trust(world.ctx, actor=ADMIN, name="B", public_key=b"k" * 32, valid_from=world.ctx.clock())
    keys.revoke(world.ctx, actor=ADMIN, wanted="B")


def import_and_apply(world: World) -> None:
    """A bundle that is applied at the second attempt: the first reviewer may not review."""
    content = {"far.py": b"x = 1\n"}
    (plain,) = manifest_of(bundle_files(content)).units
    unit = replace(plain, unit_id="far:1", dags=(replace(plain.dags[0], dag_id="far"),))
    row = uploaded(world, content=content, units=(unit,), bundle_id="bundle-2")
    preflight.check(world.ctx, actor=ADMIN, import_id=row.id)
    for mode in (ImportMode.RELEASE, ImportMode.SUBMIT):
        release_request = ReleaseRequest("Far", ["viewer"])
        applying.request(world.ctx, actor=ADMIN, import_id=row.id, mode=mode, release_request=release_request)
        import_job.run_once(work=servers(world))


def remove_and_undo(world: World) -> None:
    newest = submissions.list_submissions(world.ctx, actor=DEV).items[0]
    submissions.remove(world.ctx, actor=DEV, submission_id=newest.id)
    undoing.undo_removals(world.ctx, actor=DEV, submission_ids=[newest.id])


def test_everything_that_changes_something_leaves_its_event(
    world: World, clock: FrozenClock, tmp_path: Path
) -> None:
    adopt_what_runs(world)
    world.write("names.txt", "one")
    release = world.request(world.submit(world.dag("etl")), run_after_release=True)
    world.report(release, FAILED)
    task = world.start_task(release, TaskRole.CHECK)
    with pytest.raises(TaskClaimedError):
        task_claims.claim(world.ctx, actor=PIPELINE, release_id=release.id, task=task, secret="another" * 5)
    creation.retry(world.ctx, actor=DEV, release_id=release.id)
    world.promote(world.decide(complete(world, release)))
    world.twin.serve(world.store, "prod", str(world.head))
    verification.verify(world.ctx, actor=world.task(release, TaskRole.VERIFY), release_id=release.id)
    world.twin.unstartable["etl"] = NotFoundError("Airflow does not know the DAG 'etl'.")
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    world.twin.unstartable.clear()
    runs.start_runs(world.ctx, actor=world.task(release, TaskRole.RUN), release_id=release.id)
    releases.revoke(world.ctx, actor=DEV, release_id=world.waiting(world.dag("other")).id)
    remove_and_undo(world)
    with pytest.raises(TaskMismatchError):
        gates.open_gate(world.ctx, actor=PIPELINE, task=TaskKey("etl", "run", "task", -1, 1))
    gate = world.gate()
    decisions.decide_gate(
        world.ctx, actor=ADMIN, gate_id=gate.id, verdict=Verdict.REJECT, change_digest=gate.change_digest
    )
    world.move_by_hand()
    environments.restore(world.ctx, actor=ADMIN, name="prod")
    holds.set_hold(world.ctx, actor=ADMIN, environment="prod", reason="The warehouse moves.")
    holds.lift(world.ctx, actor=ADMIN, environment="prod")
    find_drift(world)
    break_and_review(world)
    discuss(world, release)
    configure_flows(world, clock)
    give_up_a_notification(world, release)
    take_in_an_earlier_store(world)
    export_and_discard(with_transfers(world, tmp_path / "export"))
    importing = with_imports(world, tmp_path / "import")
    import_and_discard(importing)
    import_and_apply(importing)
    move_the_mirror(world, tmp_path)
    for both in [approved(world, seen(world.dag(name))) for name in ("left", "right")]:
        world.promote(both)
    let_one_expire(world, clock)
    tags = {event.tag for event in trail(world)}
    assert audit.first_broken_link(world.ctx) is None
    aged = clean_up(world, clock, tmp_path)

    assert tags | {event.tag for event in trail(world)} == set(EventTag)
    assert audit.first_broken_link(aged.ctx) is None


def let_one_expire(world: World, clock: FrozenClock) -> None:
    late = world.waiting(world.dag("late"))
    clock.advance(hours=25)
    releases.get_locked(world.ctx, actor=DEV, release_id=late.id)


def clean_up(world: World, clock: FrozenClock, folder: Path) -> World:
    """What is old goes, and so do events."""
    clock.advance(days=1000)
    aged = with_settings(world, event_archive_path=str(folder), keys_path=folder / "export" / "keys")
    clean(aged)
    return aged


def discuss(world: World, release: Release) -> None:
    """What people say is changed and taken back; a thread is resolved and opened again."""
    thread = point_at(world, release)
    comment = say(world, release).comment
    comments.edit_comment(
        world.ctx, actor=REVIEWER, release_id=release.id, comment_id=comment.id, text="Otherwise."
    )
    comments.delete_comment(world.ctx, actor=REVIEWER, release_id=release.id, comment_id=comment.id)
    resolve(world, release, thread)
    reopen(world, release, thread)
    revoked = world.waiting(world.dag("talked_about"))
    point_at(world, revoked, "talked_about.py")
    releases.revoke(world.ctx, actor=DEV, release_id=revoked.id)
    world.waiting(world.dag("talked_about", lines="# again"))


def break_and_review(world: World) -> None:
    """Two people break the glass together, somebody else looks at it."""
    settings = replace(world.ctx.settings, break_glass_confirm_minutes=5)
    strict = replace(world, ctx=replace(world.ctx, settings=settings))
    chief = replace(REVIEWER, id="60", name="chief", roles=ADMIN.roles)
    world.twin.users[chief.id] = Person(chief.id, chief.name, chief.roles)
    release = strict.break_glass(strict.waiting(strict.dag("urgent")), ADMIN)
    strict.break_glass(release, chief)
    row = world.ctx.session.scalars(select(Emergency)).one()
    emergencies.review(
        world.ctx, actor=REVIEWER, release_id=release.id, emergency_id=row.id, comment="It was one."
    )
    del world.twin.users[chief.id]


def move_the_mirror(world: World, folder: Path) -> None:
    """Somebody else pushes to the mirror, and an admin gives that up."""
    git(folder, "init", "--quiet", "--bare", "mirror.git")
    settings = replace(world.ctx.settings, mirror_url=str(folder / "mirror.git"))
    mirrored = replace(world, ctx=replace(world.ctx, settings=settings))
    pushing.run_once(work=steps_of(mirrored))
    push_as_somebody(folder / "mirror.git", folder / "workspace")
    mirrored.released(mirrored.dag("mirrored"))
    pushing.run_once(work=steps_of(mirrored))
    standing.overwrite(mirrored.ctx, actor=ADMIN, name="prod")
    pushing.run_once(work=steps_of(mirrored))


def complete(world: World, release: Release) -> Release:
    """A check that found the version to need one more file."""
    return checks.report(
        world.ctx,
        actor=world.task(release, TaskRole.CHECK),
        release_id=release.id,
        kind=ReportKind.CHECK,
        attempt=release.attempt,
        items=PASSED,
        joined=[JoinedFile(release.items[0].submission_id, "names.txt", "opened when it ran")],
    )


def configure_flows(world: World, clock: FrozenClock) -> None:
    """Make, change, order and delete a flow; name and end a deputy."""
    raw = {
        "name": "A",
        "kind": "retirement",
        "levels": [{"name": "one", "steps": [{"name": "n", "roles": ["op"]}]}],
    }
    flow = flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    other = flow_admin.create(world.ctx, actor=ADMIN, raw={**raw, "name": "B"})
    assert flow.id is not None
    assert other.id is not None
    flow_admin.set_enabled(world.ctx, actor=ADMIN, flow_id=flow.id, enabled=False)
    flow_admin.reorder(world.ctx, actor=ADMIN, flow_ids=[other.id, flow.id])
    flow_admin.delete(world.ctx, actor=ADMIN, flow_ids=[flow.id, other.id])
    deputy = deputies.name_deputy(
        world.ctx,
        actor=ADMIN,
        person="reviewer",
        deputy="dev2",
        starts_at=clock.now,
        ends_at=clock.now + timedelta(days=1),
    )
    deputies.end_deputy(world.ctx, actor=ADMIN, deputy_id=deputy.id)


def give_up_a_notification(world: World, release: Release) -> None:
    """What happens when the last attempt to send one has failed, and an admin has it sent again."""
    row = Notification(
        event=NotificationEvent.RELEASED,
        subject_type="release",
        subject_id=release.id,
        notifier_json={"notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier"},
        notice={},
        state=NotificationState.PENDING,
        attempts=delivery.MAX_ATTEMPTS,
        next_attempt_at=world.ctx.clock(),
        made_at=world.ctx.clock(),
    )
    world.ctx.session.add(row)
    world.ctx.session.flush()
    delivery.give_up(world.ctx, row, DeliveryProblem("Timeout", "It took too long."))
    outbox.try_again(world.ctx, actor=ADMIN, notification_id=row.id)


def broken_at(world: World) -> int | None:
    found = audit.first_broken_link(world.ctx)
    return found.sequence if found else None


def test_what_is_rolled_back_leaves_no_event(world: World) -> None:
    world.submit(world.dag("etl"))
    world.ctx.session.commit()
    world.submit(world.dag("lost"))
    world.ctx.session.rollback()
    world.submit("lost.py")

    assert [event.sequence for event in trail(world)] == [1, 2]
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "somebody"},
        {"data": {"verdict": "approve"}},
        {"tag": EventTag.RELEASE_REVOKED},
        {"subject": "release:9"},
        {"hash": "0" * 64},
        {"prev_hash": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_event_breaks_the_chain_where_it_was_changed(world: World, change: dict[str, Any]) -> None:
    world.released(world.dag("etl"))
    world.ctx.session.execute(update(Event).where(Event.sequence == 7).values(**change))
    world.ctx.session.expire_all()

    assert broken_at(world) == 7


@pytest.mark.parametrize(("gone", "broken"), [(1, 1), (7, 7), (11, 11)])
def test_a_removed_event_breaks_the_chain(world: World, gone: int, broken: int) -> None:
    world.released(world.dag("etl"))
    assert len(trail(world)) == 11
    world.ctx.session.execute(delete(Event).where(Event.sequence == gone))
    world.ctx.session.expire_all()

    assert broken_at(world) == broken


def test_an_empty_trail_holds(world: World) -> None:
    assert audit.first_broken_link(world.ctx) is None


def test_the_whole_trail_is_for_admins(world: World) -> None:
    world.released(world.dag("etl"))

    def whole(actor: Actor, **page: int) -> list[int]:
        return [event.sequence for event in audit.list_events(world.ctx, actor=actor, **page).items]

    assert whole(ADMIN) == list(range(1, 12))
    assert whole(ADMIN, after=9) == [10, 11]
    assert whole(ADMIN, limit=2, offset=1) == [2, 3]
    for actor in (DEV, REVIEWER, PIPELINE):
        with pytest.raises(NotAllowedError):
            whole(actor)


def test_the_events_of_a_release_are_on_its_page(world: World) -> None:
    release = world.released(world.dag("etl"))
    world.waiting(world.dag("other"))

    tags = [event.tag for event in release_page.get_events(world.ctx, actor=DEV, release_id=release.id).items]

    assert tags == [tag for tag, _ in RELEASE_JOB if tag.value.startswith(("release:", "approval:"))]


def test_the_trail_holds_no_code(world: World) -> None:
    world.released(world.dag("etl", lines="password = 'hunter2'"))

    assert "hunter2" not in str([event.data for event in trail(world)])


def test_a_setting_that_looks_like_a_message_does_not_break_the_chain(world: World) -> None:
    settings: JsonValue = [{"settings": {"$message": "%(a)s", "values": {"a": "b"}}}]
    audit.record(world.ctx, actor=ADMIN, tag=EventTag.FLOW_CHANGED, subject="flow:1", notifiers=settings)
    world.ctx.session.expire_all()

    assert audit.first_broken_link(world.ctx) is None
