"""A whole installation for tests of the API: source folder, store, parsed DAGs, people, and their clients."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.models import Release
from airflow_release_plugin.schemas.task import CLAIM_HEADER
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.copies import copy_refs
from airflow_release_plugin.store.database import database_store
from airflow_release_plugin.transfer.attestation import SigningKey
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.airflow_home import BUNDLES
from tests.harness.airflow_tasks import render, start_task, store_dag
from tests.harness.bundles import KEY, write

API = "/api/v1"
SECRET = "a-secret-that-the-task-makes-up-for-itself"
MANAGERS = ("simple", "fab")
SERVICE = "pipeline"
ROLE_OF = {
    "viewer": "viewer",
    "author": "user",
    "author2": "user",
    "reviewer": "op",
    "reviewer2": "op",
    "admin": "admin",
    SERVICE: "viewer",
}
DAG_FILE = """
import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("{dag_id}", schedule="@daily", start_date=pendulum.datetime(2024, 1, 1), tags=["sales"]):
    EmptyOperator(task_id="{task}", owner="ann")
"""


@cache
def the_app() -> FastAPI:
    """The API; it keeps nothing between requests, so that one serves all tests."""
    from airflow_release_plugin.api.app import create_app

    return create_app()


def settings_for(manager: str, folder: Path) -> dict[str, str]:
    """Airflow's settings, as environment variables, for an installation in ``folder``."""
    source = folder / "dev"
    bundles = [
        {"name": name, "classpath": classpath, "kwargs": {"path": str(source)} if name == "dev" else {}}
        for name, classpath in BUNDLES.items()
    ]
    values = {
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "RELEASE__KEYS_PATH": str(folder / "keys"),
        "RELEASE__SERVICE_USERS": SERVICE,
        "RELEASE__DEFAULT_FLOW_ROLES": "op,admin" if manager == "simple" else "Op,Admin",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLE_OF.items()),
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    }
    if manager == "fab":
        values["CORE__AUTH_MANAGER"] = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    return {f"AIRFLOW__{name}": value for name, value in values.items()}


def add_fab_people(session: Session) -> None:
    """FAB's own roles, as it defines them, and one user for each name in :data:`ROLE_OF`."""
    from airflow.providers.fab.auth_manager.models import Role, User
    from airflow.providers.fab.auth_manager.security_manager.override import (
        FabAirflowSecurityManagerOverride as Manager,
    )

    viewer = [*Manager.VIEWER_PERMISSIONS]
    user = [*viewer, *Manager.USER_PERMISSIONS]
    op = [*user, *Manager.OP_PERMISSIONS]
    granted = {"viewer": viewer, "user": user, "op": op, "admin": [*op, *Manager.ADMIN_PERMISSIONS]}
    roles = {}
    for name, pairs in granted.items():
        role = session.scalars(select(Role).where(Role.name == name.title())).one_or_none()
        roles[name] = role = role or Role(name=name.title())
        role.permissions = fab_permissions(session, pairs)
        session.add(role)
    for name, role_name in ROLE_OF.items():
        session.add(new_fab_user(name, [roles[role_name]]))
    session.commit()
    assert session.scalars(select(User)).first() is not None


def new_fab_user(name: str, roles: list[Any]) -> Any:
    from airflow.providers.fab.auth_manager.models import User

    return User(username=name, first_name=name, last_name="X", email=f"{name}@x", active=True, roles=roles)


def fab_permissions(session: Session, pairs: list[tuple[str, str]]) -> list[Any]:
    """The permissions named by (action, resource), made where they do not exist."""
    from airflow.providers.fab.auth_manager.models import Action, Permission, Resource

    actions = {row.name: row for row in session.scalars(select(Action))}
    resources = {row.name: row for row in session.scalars(select(Resource))}
    known = {(row.action.name, row.resource.name): row for row in session.scalars(select(Permission))}
    found = {}
    for action, resource in pairs:
        if (action, resource) not in known:
            known[action, resource] = Permission(
                action=actions.setdefault(action, Action(name=action)),
                resource=resources.setdefault(resource, Resource(name=resource)),
            )
            session.add(known[action, resource])
        found[action, resource] = known[action, resource]
    return list(found.values())


@dataclass
class World:
    """
    One installation.

    :param folder: holds ``dev`` (the source bundle)
    """

    manager: str
    engine: Engine
    folder: Path
    clients: dict[str, TestClient] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        return self.folder / "dev"

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def write(self, path: str, text: str) -> None:
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def write_dag(self, path: str = "etl.py", dag_id: str = "etl", task: str = "one") -> None:
        self.write(path, DAG_FILE.format(dag_id=dag_id, task=task))

    def parse(self, bundle: str = "dev", version: str | None = None, folder: Path | None = None) -> None:
        """Store what a dag processor would store after parsing the whole bundle."""
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
        from airflow.models.dagbundle import DagBundleModel

        root = folder or self.source
        with self.session() as session:
            if session.get(DagBundleModel, bundle) is None:
                session.add(DagBundleModel(name=bundle))
                session.flush()
            bag = DagBag(root, bundle_path=root, bundle_name=bundle)
            sync_bag_to_db(bag, bundle, version, session=session)
            session.commit()

    def parse_pipelines(self) -> None:
        import airflow_release_plugin.pipelines as pipelines

        self.parse("release_pipelines", folder=Path(next(iter(pipelines.__path__))))

    def user(self, name: str) -> Any:
        """The auth manager's own user."""
        if self.manager == "simple":
            from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

            return SimpleAuthManagerUser(username=name, role=ROLE_OF[name])
        from airflow.providers.fab.auth_manager.models import User

        with self.session() as session:
            return session.scalars(select(User).where(User.username == name)).unique().one()

    def remove(self, name: str, patch: pytest.MonkeyPatch) -> None:
        """Take a person away as the auth manager does it; what they logged in with stays as it was."""
        if self.manager == "simple":
            left = (f"{other}:{role}" for other, role in ROLE_OF.items() if other != name)
            patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", ",".join(left))
            return
        with self.session() as session:
            session.delete(session.merge(self.user(name)))
            session.commit()

    def token(self, name: str, seconds: int = 3600) -> str:
        """A token as Airflow's login gives it."""
        from airflow.api_fastapi.app import get_auth_manager

        return get_auth_manager().generate_jwt(self.user(name), expiration_time_in_seconds=seconds)

    def client(self, token: str | None = None, **headers: str) -> TestClient:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return TestClient(the_app(), base_url=f"http://testserver{API}", headers=headers)

    def as_(self, name: str) -> TestClient:
        """The client of one person, ``anonymous`` for nobody's."""
        if name not in self.clients:
            self.clients[name] = self.client(None if name == "anonymous" else self.token(name))
        return self.clients[name]

    def git(self, *arguments: str) -> str:
        """Run the real git on a copy of the store."""
        with self.session() as session, TemporaryDirectory() as folder:
            copy_refs(database_store(session), create_repository(Path(folder)), ["refs/"])
            return self._git(folder, *arguments)

    def _git(self, folder: str, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", folder, "-c", "safe.directory=*", *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def submit(self, path: str = "etl.py", who: str = "author") -> dict[str, Any]:
        return ok(self.as_(who).post("/submissions", json={"path": path}))

    def request(
        self, *submissions: dict[str, Any], who: str = "author", reviewers: tuple[str, ...] = ("reviewer",)
    ) -> dict[str, Any]:
        body = {"title": "Orders", "submission_ids": [s["id"] for s in submissions], "reviewers": reviewers}
        return ok(self.as_(who).post("/releases", json=body))

    def report(self, release: dict[str, Any], status: str = "passed") -> dict[str, Any]:
        """Report the result of a check as the pipeline does."""
        body = {
            "kind": "check",
            "attempt": release["attempt"],
            "base_commit": release["base_commit"],
            "items": [{"name": "Parse etl.py", "status": status, "path": "etl.py", "detail": "as found"}],
        }
        return ok(self.say(release, TaskRole.CHECK, "reports", json=body))

    def awaiting(self, path: str = "etl.py") -> dict[str, Any]:
        """A release that awaits approval."""
        return self.report(self.request(self.submit(path)))

    def decide(self, release: dict[str, Any], who: str = "reviewer", verdict: str = "approve") -> Any:
        body = {"verdict": verdict, "comment": "", "change_digest": release["change_digest"]}
        return self.as_(who).post(f"/releases/{release['id']}/decisions", json=body)

    def promote(self, release: dict[str, Any]) -> Any:
        return self.say(release, TaskRole.PROMOTE, "promote")

    def say(self, release: dict[str, Any], role: TaskRole, what: str, **body: Any) -> Any:
        """What a task of the release's run says, as far as it is one that may."""
        headers = self.claim(release, role)
        return self.as_(SERVICE).post(f"/releases/{release['id']}/{what}", headers=headers, **body)

    def claim(self, release: dict[str, Any], role: TaskRole) -> dict[str, str]:
        """Headers of what the task of the release's run that has this role says."""
        number = release["id"]
        body = {**vars(self.start_task(number, role)), "secret": SECRET}
        claimed = ok(self.as_(SERVICE).post(f"/releases/{number}/claims", json=body))
        return {CLAIM_HEADER: f"{claimed['id']}.{SECRET}"}

    def start_task(self, release_id: int, role: TaskRole) -> TaskKey:
        """Let a worker take up the task of the run that works on a release; its pipeline must be parsed."""
        with self.session() as session:
            release = session.get_one(Release, release_id)
            task = TaskKey(release.pipeline_dag_id, str(release.pipeline_run_id), role.value, -1, 1)
            start_task(session, task)
            session.commit()
        return task

    def released(self, path: str = "etl.py") -> dict[str, Any]:
        """A release that has reached the target."""
        release = self.awaiting(path)
        ok(self.decide(release))
        ok(self.promote(release))
        return ok(self.as_("admin").get(f"/releases/{release['id']}"))

    def export(self, dag_id: str, who: str = "author") -> int:
        """An export whose file is there; its number."""
        from airflow_release_plugin.services.exports import job

        keys = KeyFolder(self.folder / "keys")
        if not keys.signing_file.exists():
            keys.generate()
        row = ok(self.as_(who).post("/exports", json={"names": [dag_id]}))
        job.run_once()
        made = ok(self.as_(who).get(f"/exports/{row['id']}"))
        assert made["state"] == "ready", made["error"]
        return int(row["id"])

    def bundle(self, key: SigningKey = KEY, **changes: Any) -> bytes:
        """A bundle file of plant A, whose key is trusted here; ``changes`` are fields of its manifest."""
        now = datetime.now(timezone.utc).replace(microsecond=0)
        keys = KeyFolder(self.folder / "keys")
        if not keys.trusted():
            keys.trust("plant A", KEY.public_key, valid_from=now)
        oldest = {"airflow_version": "3.2.0", "python_version": "3.10.0"}
        lasting = {"created": now, "expires": now + timedelta(days=3), **oldest, **changes}
        return write(self.folder / "sent.dagbundle", key=key, **lasting).read_bytes()

    def imported(self, data: bytes | None = None) -> dict[str, Any]:
        """An import of a bundle, by default one that is accepted, whose file is whole."""
        data = data or self.bundle()
        admin = self.as_("admin")
        row = ok(admin.post("/imports", json={"file_name": "a.dagbundle", "file_size": len(data)}))
        return ok(admin.put(f"/imports/{row['id']}/content", content=data))

    def start_gate(self, task: TaskKey, **asked: Any) -> None:
        """Store what Airflow stores of a gate's task that a worker is at."""
        from airflow.models.dag import DagModel
        from airflow.sdk import DAG

        from airflow_release_plugin.sensors.gate import ApprovalGateSensor

        with DAG(task.dag_id) as dag:
            ApprovalGateSensor(task_id=task.task_id, title="?")
        with self.session() as session:
            if session.get(DagModel, task.dag_id) is None:
                store_dag(session, dag)
            start_task(session, task)
            render(session, task, asked)
            session.commit()

    def gate(self, dag_id: str = "etl", title: str = "Books closed?", **asked: Any) -> dict[str, Any]:
        """The gate of a task's first try, which waits at it."""
        key = TaskKey(dag_id, "r", "t", -1, 1)
        self.start_gate(key, title=title, **asked)
        return ok(self.as_(SERVICE).post("/gates", json={**vars(key), "title": title, **asked}))

    def state(self, release: dict[str, Any]) -> str:
        return str(ok(self.as_("admin").get(f"/releases/{release['id']}"))["state"])


def ok(response: Any) -> Any:
    """The JSON of a success."""
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response.json()


def error_of(response: Any) -> tuple[int, str]:
    """Status and code of an error."""
    return response.status_code, response.json()["error"]
