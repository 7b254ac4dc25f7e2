"""The world of the use cases: a source, a store, Airflow's twin, people, short ways through the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.identity import SYSTEM, Actor, ActorKind, Person
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.tasks import TaskKey, TaskOperator, TaskRecord, TaskRole
from airflow_release_plugin.models import Event, Gate, Release, Submission
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.releases import break_glass, checks, creation, decisions, task_claims
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context, Settings
from airflow_release_plugin.services.submissions import submissions
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.store.release_store import ReleaseStore
from tests.harness.fake_airflow import AirflowTwin
from tests.harness.manual_edits import push_by_hand

DEV = Actor("1", "dev", frozenset({"user"}))
DEV2 = Actor("2", "dev2", frozenset({"user"}))
REVIEWER = Actor("3", "reviewer", frozenset({"op"}))
ADMIN = Actor("4", "admin", frozenset({"admin"}))
PIPELINE = Actor("5", "pipeline", frozenset({"viewer"}), ActorKind.SERVICE)
VIEWER = Actor("6", "viewer", frozenset({"viewer"}))
PEOPLE = (DEV, DEV2, REVIEWER, ADMIN, PIPELINE, VIEWER)
SECRET = "a-secret-that-the-task-makes-up-for-itself"
PASSED = (CheckItem("Parses", CheckStatus.PASSED),)
FAILED = (CheckItem("Parses", CheckStatus.FAILED, detail="Traceback\nImportError: no module shop"),)


def dag_text(*dag_ids: str, lines: str = "") -> str:
    """Text of a small DAG file; ``lines`` go on top, say imports."""
    dags = "".join(f'with DAG(dag_id="{dag_id}"):\n    pass\n' for dag_id in dag_ids)
    return f"from airflow.sdk import DAG\n{lines}\n{dags}"


@dataclass(frozen=True)
class World:
    """Everything of one test; ``ctx`` is what use cases get."""

    ctx: Context
    twin: AirflowTwin

    @property
    def store(self) -> ReleaseStore:
        return self.ctx.store

    @property
    def head(self) -> str | None:
        """Commit of the target branch."""
        return self.store.ref(environment_ref("prod"))

    def trail(self, tag: EventTag) -> list[Event]:
        """Events of one kind about the environment, newest first."""
        found = events.events_of(self.ctx.session, "environment:prod").items
        return [event for event in reversed(found) if event.tag is tag]

    def target(self) -> dict[str, str]:
        """Texts of the target by path."""
        return {path: self.store.read(e.blob).decode() for path, e in self.store.files(self.head).items()}

    def with_session(self, session: Session) -> World:
        """The same world seen by another request."""
        return replace(self, ctx=replace(self.ctx, session=session, store=database_store(session)))

    def with_store(self, store: Any) -> World:
        """The same world with another store, say one that breaks."""
        return replace(self, ctx=replace(self.ctx, store=store))

    def write(self, path: str, text: str) -> None:
        """Put a file into the source."""
        file = self.twin.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def delete(self, path: str) -> None:
        """Take a file from the source."""
        (self.twin.root / path).unlink()

    def dag(self, name: str, lines: str = "") -> str:
        """Put ``<name>.py`` with one DAG of that name into the source; return the path."""
        self.write(f"{name}.py", dag_text(name, lines=lines))
        return f"{name}.py"

    def move_by_hand(self, path: str = "hot_fix.py", text: str = "x = 1\n") -> str:
        """Move the target branch past the product, as ``git push`` does; return where it is now."""
        return push_by_hand(self.store, path, text)

    def submit(self, path: str, actor: Actor = DEV) -> Submission:
        """Submit a file as it is now."""
        return submissions.submit(self.ctx, actor=actor, path=path)

    def request(self, *chosen: Submission, actor: Actor = DEV, **options: Any) -> Release:
        """Ask for a release; the reviewer is asked unless ``options`` say otherwise."""
        release_request = ReleaseRequest(**{"title": "A release", "reviewers": ["reviewer"], **options})
        ids = [submission.id for submission in chosen]
        return creation.request(self.ctx, actor=actor, submission_ids=ids, release_request=release_request)

    def report(
        self, release: Release, items: Sequence[CheckItem] = PASSED, joined: Sequence[JoinedFile] = ()
    ) -> Release:
        """What the pipeline reports after its check."""
        return checks.report(
            self.ctx,
            actor=self.task(release, TaskRole.CHECK),
            release_id=release.id,
            kind=ReportKind.CHECK,
            attempt=release.attempt,
            items=items,
            joined=joined,
            base_commit=release.base_commit,
        )

    def decide(
        self,
        release: Release,
        actor: Actor = REVIEWER,
        verdict: Verdict = Verdict.APPROVE,
        digest: str = "",
        step: int | None = None,
        comment: str = "",
    ) -> Release:
        """Approve, or what ``verdict`` says, having seen the present digest."""
        return decisions.decide_release(
            self.ctx,
            actor=actor,
            release_id=release.id,
            verdict=verdict,
            change_digest=digest or release.change_digest,
            step=step,
            comment=comment,
        )

    def break_glass(
        self, release: Release, actor: Actor, reason: str = "Orders are not being shipped.", digest: str = ""
    ) -> Release:
        """Approve in an emergency, having seen the present digest."""
        return break_glass.break_glass(
            self.ctx,
            actor=actor,
            release_id=release.id,
            change_digest=digest or release.change_digest,
            reason=reason,
        )

    def promote(self, release: Release, actor: Actor | None = None) -> Release:
        """Let the pipeline promote."""
        actor = actor or self.task(release, TaskRole.PROMOTE)
        return promotions.promote(self.ctx, actor=actor, release_id=release.id)

    def start_task(self, release: Release, role: TaskRole | None, state: str = "running") -> TaskKey:
        """Let a worker take up a task of the run that works on the release."""
        task = TaskKey(
            release.pipeline_dag_id, str(release.pipeline_run_id), role.value if role else "own", -1, 1
        )
        record = TaskRecord(task, state, "worker/1/now", bundle_name="release_pipelines")
        self.twin.run_task(record, TaskOperator("an.Operator", role), {})
        return task

    def task(self, release: Release, role: TaskRole | None = None) -> Actor:
        """The pipeline as the task of the release's run that has this role, and runs."""
        task = self.start_task(release, role)
        found = task_claims.claim(self.ctx, actor=PIPELINE, release_id=release.id, task=task, secret=SECRET)
        return replace(PIPELINE, claim=f"{found.id}.{SECRET}")

    def waiting(self, *paths: str) -> Release:
        """A release of these files that awaits approval."""
        return self.report(self.request(*[self.submit(path) for path in paths]))

    def start_gate(self, task: TaskKey, asked: Mapping[str, Any], **recorded: Any) -> TaskKey:
        """Let a worker take up a gate's task; ``asked`` are its rendered fields."""
        record = TaskRecord(task, "running", "worker/1/now", **recorded)
        self.twin.run_task(record, TaskOperator("gate.ApprovalGateSensor", TaskRole.GATE), asked)
        return task

    def gate(self, dag_id: str = "etl", title: str = "Go on?", **asked: Any) -> Gate:
        """The gate of the first try of a task that runs."""
        return self.gate_of(TaskKey(dag_id, "run", "task", -1, 1), title=title, **asked)

    def gate_of(self, task: TaskKey, title: str = "Go on?", **asked: Any) -> Gate:
        """The gate of a task that runs."""
        return gates.open_gate(
            self.ctx, actor=PIPELINE, task=self.start_gate(task, {"title": title, **asked})
        )

    def approved(self, *paths: str) -> Release:
        """A release of these files that may be promoted."""
        return self.decide(self.waiting(*paths))

    def released(self, *paths: str) -> Release:
        """A release of these files that is in the target."""
        return self.promote(self.approved(*paths))


def with_settings(world: World, **changed: Any) -> World:
    """The same world with other settings."""
    return replace(world, ctx=replace(world.ctx, settings=replace(world.ctx.settings, **changed)))


def steps_of(world: World) -> Work:
    """Every step of the background in a savepoint of the test's transaction."""

    @contextmanager
    def step() -> Iterator[tuple[Context, Actor]]:
        yield world.ctx, SYSTEM
        world.ctx.session.flush()

    return step


def make_world(session: Session, root: Path, clock: Callable[[], datetime]) -> World:
    """A world with an empty source and target."""
    root.mkdir(parents=True, exist_ok=True)
    twin = AirflowTwin(root, {actor.id: Person(actor.id, actor.name, actor.roles) for actor in PEOPLE})
    return World(Context(session, database_store(session), twin.ports(), Settings(), clock), twin)
