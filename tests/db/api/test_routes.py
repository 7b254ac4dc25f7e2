"""
The route walk: every route, every kind of caller, both auth managers.

A cell is the status of the answer: 401 nobody is logged in, 403 the caller may not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from airflow_release_plugin.domain.tasks import TaskRole
from tests.db.api.conftest import installation
from tests.db.api.world import API, MANAGERS, SECRET, World, add_fab_people, ok, the_app
from tests.harness.databases import airflow_uses, connect, copy_of

CALLERS = ("anonymous", "viewer", "author", "author2", "reviewer", "admin", "pipeline")
DIGEST = "0" * 64
DECISION = {"verdict": "approve", "change_digest": "{digest}"}
GATE = {"dag_id": "etl", "run_id": "r", "task_id": "t", "try_number": 1, "title": "Books closed?"}
CLAIM = {
    "dag_id": "release_pipeline",
    "run_id": "{run}",
    "task_id": "check",
    "try_number": 1,
    "secret": SECRET,
}
PROGRESS = {"attempt": 1, "files": [{"path": "etl.py", "state": "checking"}]}
REPORT = {"kind": "check", "attempt": 1, "items": [{"name": "Parse", "status": "passed"}]}
SUBJECT = {"subject": "release", "subject_id": "{awaiting}", "change_digest": "{digest}"}
EMERGENCY = {"change_digest": "{digest}", "reason": "Orders stand still."}
REVIEW = {"comment": "It was an emergency."}
WORDS = {"text": "Why so?"}
THREAD = {"path": "awaiting.py", "side": "new", "line": 1, **WORDS}
FLOW = {
    "name": "Exports",
    "kind": "retirement",
    "levels": [{"name": "Standard", "steps": [{"name": "Admins", "roles": ["admin", "Admin"]}]}],
}
DEPUTY = {"deputy": "author2", "starts_at": "2098-01-01T00:00:00Z", "ends_at": "2098-12-31T00:00:00Z"}
EXPORT = {"names": ["live"]}
REQUEST = {"title": "T", "submission_ids": ["{pending}"], "reviewers": ["reviewer2"]}

ADOPTION = {"digest": DIGEST, "reviewers": ["reviewer2"]}
ROLLBACK = {"release_id": "{released}", "digest": "{plan}", "reviewers": ["reviewer2"]}

# What each caller gets: anonymous, viewer, author, author2, reviewer, admin, pipeline.
EVERYBODY = "401 200 200 200 200 200 200"
ADMIN = "401 403 403 403 403 200 403"
# The login of pipelines takes part in nothing that people say.
SPEAKERS = "401 201 201 201 201 201 403"
NOBODY_FINDS = "401 404 404 404 404 404 403"
EXECUTORS = "401 403 403 403 403 200 200"
# What only a task of the release's run may say, which the login alone does not make of anybody; see
# test_task_claims.py for one that may. Admins do by hand what reports nothing.
TASKS = "401 403 403 403 403 403 403"
BY_HAND = ADMIN
EXPORTERS = "401 403 200 200 200 200 200"
EDITORS = "401 403 200 200 200 200 403"
ROUTES: dict[str, tuple[str, Any]] = {
    "GET /me": (EVERYBODY, None),
    "GET /home": (EVERYBODY, None),
    "GET /approvals": (EVERYBODY, None),
    "GET /emergencies": (EVERYBODY, None),
    # each caller's own
    "GET /notices": (EVERYBODY, None),
    "POST /notices/read": (EVERYBODY.replace("200", "204"), {}),
    "GET /notices/ways": (EVERYBODY, None),
    "PUT /notices/ways": (EVERYBODY, {"ways": {"decided": "list"}}),
    "GET /insights": (EVERYBODY, None),
    "GET /reviewers": (EVERYBODY, None),
    "GET /candidates": (EVERYBODY, None),
    "GET /candidates/closure?path=etl.py": (EVERYBODY, None),
    "GET /shared-files": (EVERYBODY, None),
    "GET /submissions": (EVERYBODY, None),
    "POST /submissions": (EDITORS.replace("200", "201"), {"path": "new.py"}),
    "GET /submissions/{pending}": (EVERYBODY, None),
    "GET /submissions/{pending}/trials": (EVERYBODY, None),
    "GET /submissions/{pending}/diff": (EVERYBODY, None),
    "GET /submissions/{pending}/diff?against={pending}": (EVERYBODY, None),
    "DELETE /submissions/{pending}": (EDITORS, None),
    "GET /releases": (EVERYBODY, None),
    "POST /releases": (EDITORS.replace("200", "201"), REQUEST),
    "GET /releases/{awaiting}": (EVERYBODY, None),
    "GET /releases/{awaiting}/diff": (EVERYBODY, None),
    "GET /releases/{awaiting}/cutover": (EVERYBODY, None),
    "GET /releases/{awaiting}/structure": (EVERYBODY, None),
    "GET /releases/{awaiting}/compare/{released}": (EVERYBODY, None),
    "GET /releases/{awaiting}/trials": (EVERYBODY, None),
    "GET /releases/{awaiting}/events": (EVERYBODY, None),
    "GET /releases/{awaiting}/comments": (EVERYBODY, None),
    "POST /releases/{awaiting}/comments": (SPEAKERS, WORDS),
    # there is none of that number
    "PUT /releases/{awaiting}/comments/999999": (NOBODY_FINDS, WORDS),
    "DELETE /releases/{awaiting}/comments/999999": (NOBODY_FINDS, None),
    "GET /releases/{awaiting}/threads": (EVERYBODY, None),
    "POST /releases/{awaiting}/threads": (SPEAKERS, THREAD),
    "POST /releases/{awaiting}/threads/999999/comments": (NOBODY_FINDS, WORDS),
    "POST /releases/{awaiting}/threads/999999/resolve": (NOBODY_FINDS, None),
    "POST /releases/{awaiting}/threads/999999/reopen": (NOBODY_FINDS, None),
    "GET /releases/{awaiting}/decisions": (EVERYBODY, None),
    # the author asked for it, author2 and viewer hold no role of the flow, the service user never decides
    "POST /releases/{awaiting}/decisions": ("401 403 403 403 200 200 403", DECISION),
    # requester, asked reviewers, admins
    "POST /releases/{awaiting}/revoke": ("401 403 200 403 200 200 403", {"reason": "no"}),
    # requester, admins
    "POST /releases/{failed}/retry": ("401 403 200 403 403 200 403", None),
    # requester alone; its check names no file
    "POST /releases/{failed}/add-files": ("401 403 409 403 403 403 403", {}),
    "GET /releases/{checking}/work": (EXECUTORS, None),
    "GET /releases/{checking}/trees": (EXECUTORS, None),
    "GET /releases/{checking}/blobs": (EXECUTORS, None),
    "POST /releases/{checking}/claims": (EXECUTORS, CLAIM),
    "POST /releases/{checking}/progress": (TASKS, PROGRESS),
    "POST /releases/{checking}/reports": (TASKS, REPORT),
    "POST /releases/{awaiting}/request-approval": (BY_HAND, None),
    "POST /releases/{checking}/errored": (BY_HAND, {"reason": "broken"}),
    "POST /releases/{approved}/promote": (BY_HAND, None),
    "POST /releases/{released}/verify": (BY_HAND, None),
    "POST /releases/{released}/run": (BY_HAND, None),
    "POST /releases/{released}/soak": (BY_HAND, None),
    "POST /rollbacks/preview": (EDITORS, {"release_id": "{released}"}),
    "POST /rollbacks": (EDITORS.replace("200", "201"), ROLLBACK),
    "GET /versions/head?environment=prod": (EXECUTORS, None),
    "POST /versions/head": (EXECUTORS, {"environment": "prod", "host": "worker-1"}),
    "GET /versions/{version}": (EXECUTORS, None),
    "GET /versions/{version}/blobs": (EXECUTORS, None),
    "GET /environments": (EVERYBODY, None),
    "GET /environments/prod": (EVERYBODY, None),
    "GET /environments/prod/served": (EXECUTORS, None),
    # no dag processor has parsed anything of it
    "GET /environments/prod/served/live": (EXECUTORS.replace("200", "404"), None),
    "GET /environments/prod/dags": (EVERYBODY, None),
    "GET /environments/prod/dags/live/history": (EVERYBODY, None),
    "POST /environments/prod/restore": (ADMIN, None),
    # its glass is whole
    "POST /releases/{awaiting}/emergencies/1/review": ("401 404 404 404 404 404 404", REVIEW),
    "POST /environments/prod/hold": (ADMIN, {"reason": "The warehouse moves."}),
    # nothing is held here
    "DELETE /environments/prod/hold": (ADMIN.replace("200", "409"), None),
    "GET /environments/prod/verify": (ADMIN, None),
    "POST /environments/prod/repair": (ADMIN, None),
    # no machine of that name has looked
    "DELETE /environments/prod/machines/gone": (ADMIN.replace("200", "404"), None),
    # nothing was changed by hand here
    "GET /environments/prod/drift": (ADMIN.replace("200", "409"), None),
    # there is no mirror
    "GET /environments/prod/mirror": (EVERYBODY.replace("200", "404"), None),
    "POST /environments/prod/mirror/overwrite": (ADMIN.replace("200", "404"), None),
    "POST /environments/prod/drift/adopt": (ADMIN.replace("200", "409"), ADOPTION),
    "GET /gates": (EVERYBODY, None),
    "POST /gates": (EXECUTORS, GATE),
    "GET /gates/{gate}": (EVERYBODY, None),
    "POST /gates/{gate}/decisions": ("401 403 403 403 200 200 403", {**DECISION, "change_digest": "{sign}"}),
    "POST /gates/{gate}/withdraw": (EXECUTORS, None),
    "GET /releases/{awaiting}/diff/since-my-approval": (EVERYBODY, None),
    "POST /releases/{awaiting}/break-glass": (ADMIN, EMERGENCY),
    # each of several decisions stands for itself, so the answer as a whole is always there
    "POST /approvals/decisions": (EVERYBODY, {"verdict": "approve", "subjects": [SUBJECT]}),
    "GET /flows": (EVERYBODY, None),
    "POST /flows": (ADMIN.replace("200", "201"), {"spec": {**FLOW, "name": "Another"}}),
    "POST /flows/preview": (ADMIN, {"spec": FLOW}),
    "PUT /flows/order": (ADMIN, {"ids": ["{flow}"]}),
    "POST /flows/enabled": (ADMIN, {"ids": ["{flow}"], "enabled": False}),
    "POST /flows/delete": (ADMIN, {"ids": ["{flow}"]}),
    "GET /flows/simulate?dag_id=live": (EVERYBODY, None),
    "GET /flows/{flow}": (EVERYBODY, None),
    "PUT /flows/{flow}": (ADMIN, {"spec": FLOW, "revision": 1}),
    "POST /flows/{flow}/enabled": (ADMIN, {"enabled": False}),
    "GET /flows/{flow}/revisions": (EVERYBODY, None),
    "GET /deputies": (EVERYBODY, None),
    # people name their own deputies; admins may for anybody
    "POST /deputies": ("401 403 403 403 201 201 403", {**DEPUTY, "person": "reviewer"}),
    # the person, the deputy, admins
    "DELETE /deputies/{deputy}": ("401 403 403 204 204 204 403", None),
    "GET /exports": (EXPORTERS, None),
    "POST /exports/match": (EXPORTERS, EXPORT),
    # service users may export what was released, and nothing else is asked for here
    "POST /exports": (EXPORTERS.replace("200", "201"), EXPORT),
    # the author asked for it
    "GET /exports/{export}": ("401 404 200 404 404 200 200", None),
    "GET /exports/{export}/file": ("401 403 200 404 404 200 200", None),
    "POST /exports/{export}/retry": ("401 403 409 404 404 409 409", None),
    "DELETE /exports/{export}": ("401 403 200 404 404 200 200", None),
    "GET /imports": (EVERYBODY, None),
    "POST /imports": (ADMIN.replace("200", "201"), {"file_name": "a", "file_size": 10}),
    # who may read a DAG of the bundle sees the import; the rest is for admins
    "GET /imports/{import}": (EVERYBODY, None),
    "GET /imports/{import}/contents": (EVERYBODY, None),
    "GET /imports/{import}/file?path=etl.py": (ADMIN, None),
    # nothing is known of it yet but to admins and the service user; the rest of its bytes is missing
    "GET /imports/{uploading}": ("401 404 404 404 404 200 200", None),
    "PUT /imports/{uploading}/content": (ADMIN.replace("200", "409"), None),
    "POST /imports/{import}/preflight": (ADMIN, {"folder": ""}),
    "POST /imports/{import}/placeholders": (ADMIN, {}),
    # its preflight has not run yet
    "POST /imports/{import}/apply": (ADMIN.replace("200", "409"), {"mode": "submit"}),
    "DELETE /imports/{import}": (ADMIN, None),
    "GET /events": (ADMIN, None),
    "POST /watch": (EXECUTORS, {"known": {"release:1": ""}, "wait": 0}),
    "GET /health": ("200 200 200 200 200 200 200", None),
}


@dataclass
class Prepared:
    """An installation with a thing in each state that the table names."""

    manager: str
    folder: Path
    database: Path
    names: dict[str, Any] = field(default_factory=dict)


def fill(world: World) -> dict[str, Any]:
    """Put a thing in each state; their ids by the names in the table."""
    units = ("live", "etl", "new", "checking", "awaiting", "failed", "approved")
    for name in units:
        world.write_dag(f"{name}.py", name)
    world.parse()
    world.parse_pipelines()
    released = world.released("live.py")
    plan = ok(world.as_("author").post("/rollbacks/preview", json={"release_id": released["id"]}))
    awaiting = world.awaiting("awaiting.py")
    approved = world.awaiting("approved.py")
    ok(world.decide(approved))
    gate = world.gate()
    checking = world.request(world.submit("checking.py"))["id"]
    return {
        "run": world.start_task(checking, TaskRole.CHECK).run_id,
        "released": released["id"],
        "version": ok(world.as_("admin").get("/environments/prod"))["commit"],
        "plan": plan["digest"],
        "awaiting": awaiting["id"],
        "digest": awaiting["change_digest"],
        "approved": approved["id"],
        "checking": checking,
        "failed": world.report(world.request(world.submit("failed.py")), "failed")["id"],
        "pending": world.submit("etl.py")["id"],
        "flow": ok(world.as_("admin").post("/flows", json={"spec": FLOW}))["id"],
        "deputy": ok(world.as_("admin").post("/deputies", json={**DEPUTY, "person": "reviewer"}))["id"],
        "export": world.export("live"),
        "import": world.imported()["id"],
        "uploading": ok(world.as_("admin").post("/imports", json={"file_name": "a", "file_size": 9}))["id"],
        "gate": gate["id"],
        "sign": gate["change_digest"],
    }


@pytest.fixture(scope="module", params=MANAGERS)
def prepared(
    request: pytest.FixtureRequest, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Prepared:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "dev").mkdir()
    database = folder / "airflow.db"
    shutil.copyfile(migrated_file, database)
    made = Prepared(request.param, folder, database)
    with opened(made, folder, f"sqlite:///{database}") as world:
        if made.manager == "fab":
            with world.session() as session:
                add_fab_people(session)
        made.names = fill(world)
    return made


@contextmanager
def opened(prepared: Prepared, folder: Path, url: str) -> Iterator[World]:
    engine = connect(url)
    try:
        with airflow_uses(engine), installation(prepared.manager, engine, folder) as world:
            yield world
    finally:
        engine.dispose()


@contextmanager
def copied(prepared: Prepared, folder: Path) -> Iterator[World]:
    """A world of its own."""
    folder.mkdir()
    for name in ("dev", "keys"):
        shutil.copytree(prepared.folder / name, folder / name)
    with opened(prepared, folder, copy_of(prepared.database, folder)) as world:
        yield world


def filled_in(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled_in(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_in(item, names) for item in value]
    return names.get(value[1:-1], value) if isinstance(value, str) else value


def test_every_route_is_in_the_table() -> None:
    routes = {
        (method, route.path.removeprefix(API))
        for route in the_app().routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }

    assert routes - {template(entry) for entry in ROUTES} == set()


def template(entry: str) -> tuple[str, str]:
    """The route that an entry of the table calls."""
    method, url = entry.split()
    for route in the_app().routes:
        if (
            isinstance(route, APIRoute)
            and method in route.methods
            and route.path_regex.fullmatch(API + url.partition("?")[0])
        ):
            return method, route.path.removeprefix(API)
    raise AssertionError(f"{entry} is no route")


@pytest.mark.req("R36", "R72")
@pytest.mark.parametrize("entry", ROUTES)
def test_who_gets_through(prepared: Prepared, entry: str, tmp_path: Path) -> None:
    expected, body = ROUTES[entry]
    method, url = entry.split()
    url = url.format(**prepared.names)
    found = {}
    # A deed of one caller must not show in the answer to another.
    for together in [CALLERS] if method == "GET" else [(caller,) for caller in CALLERS]:
        with copied(prepared, tmp_path / together[0]) as world:
            for caller in together:
                answer = world.as_(caller).request(method, url, json=filled_in(body, prepared.names))
                found[caller] = answer.status_code

    assert found == dict(zip(CALLERS, map(int, expected.split()), strict=True))
