"""The clients against the real application, over HTTP: what one sends, the other understands."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.watch import AsyncReleaseClient
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskKey, TaskRole
from airflow_release_plugin.exceptions import (
    BundleMalformedError,
    ConflictError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    TaskMismatchError,
    UnchangedError,
)
from airflow_release_plugin.operators.candidate import fetched_trees
from airflow_release_plugin.schemas.gate import GateBody
from airflow_release_plugin.schemas.imports import ImportBody, ImportCheckBody
from airflow_release_plugin.schemas.release import ReleaseBody
from airflow_release_plugin.schemas.submission import SubmissionBody
from airflow_release_plugin.schemas.task import ClaimBody
from airflow_release_plugin.schemas.work import ReportBody
from tests.db.api.conftest import WARNINGS, empty_world, manager, world
from tests.db.api.world import SECRET, SERVICE, World

__all__ = ["empty_world", "manager", "world"]

pytestmark = [pytest.mark.filterwarnings(warning) for warning in WARNINGS]
QUICK = Backoff(first=0.05, cap=0.1, total=0.3)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Address of a server with the REST API and the auth manager's log-in, where and as Airflow has them."""
    from airflow.api_fastapi.app import get_auth_manager

    from airflow_release_plugin.api.app import create_app

    login = get_auth_manager().get_fastapi_app()
    routes = [Mount("/auth", app=login), Mount("/release", app=create_app())]
    # Airflow's API server compresses whatever it answers, if the client takes that.
    app = Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=1024)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def settings(world: World, url: str, name: str) -> ClientSettings:
    return ClientSettings(url, password=world.token(name))


def client(world: World, url: str, name: str) -> ReleaseClient:
    return ReleaseClient(settings(world, url, name), backoff=QUICK)


def requested(world: World, url: str) -> int:
    with client(world, url, "author") as author:
        submission = author.submit(SubmissionBody(path="etl.py", comment="first"))
        body = ReleaseBody(title="First", submission_ids=[submission.id], reviewers=["reviewer"])
        return author.request_release(body).id


def speak(world: World, service: ReleaseClient, release_id: int, role: TaskRole) -> None:
    """Be the task of the release's run that has this role."""
    task = world.start_task(release_id, role)
    body = ClaimBody(**vars(task), secret=SECRET)
    assert service.claim(release_id, body) == service.claim(release_id, body)


def report(release_id: int, service: ReleaseClient, status: CheckStatus = CheckStatus.PASSED) -> ReportBody:
    work = service.get_work(release_id)
    item = CheckItem("parse", status, "etl.py", facts={"dags": [{"dag_id": "etl"}]})
    return ReportBody(kind=ReportKind.CHECK, attempt=work.attempt, base_commit=work.base_commit, items=[item])


def test_release_goes_through_every_step_of_its_pipeline(world: World, url: str) -> None:
    release_id = requested(world, url)
    with client(world, url, SERVICE) as service:
        assert service.me().is_service
        assert service.get_work(release_id).dag_files == ["etl.py"]
        with fetched_trees(service, release_id) as trees:
            [unit] = service.get_work(release_id).units
            for name, files in (
                ("then", trees.lists.snapshots[unit.snapshot]),
                ("next", trees.lists.candidate),
            ):
                tree = trees.build(name, files)
                assert (tree / "etl.py").read_bytes() == (world.source / "etl.py").read_bytes()
        speak(world, service, release_id, TaskRole.CHECK)
        checked = service.report(release_id, report(release_id, service))
        assert checked.state is ReleaseState.AWAITING_APPROVAL
        world.decide(checked.model_dump(mode="json"))
        speak(world, service, release_id, TaskRole.PROMOTE)
        promoted = service.promote(release_id)
        assert (promoted.state, promoted.commit) == (ReleaseState.RELEASED, world.git("rev-parse", "prod"))
        assert service.promote(release_id) == promoted
        speak(world, service, release_id, TaskRole.VERIFY)
        assert service.verify(release_id).status == "pending"
        speak(world, service, release_id, TaskRole.RUN)
        assert service.run(release_id) == []


def test_watch_tells_states_and_what_is_missing(world: World, url: str) -> None:
    release_id = requested(world, url)

    async def watch() -> dict[str, str]:
        watching = AsyncReleaseClient(settings(world, url, SERVICE))
        try:
            known = {f"release:{release_id}": "", "gate:99": "open"}
            return await watching.watch(known, wait=5)
        finally:
            await watching.close()

    assert asyncio.run(watch()) == {f"release:{release_id}": "checking", "gate:99": "missing"}


def test_gate_is_opened_once_for_a_try_and_withdrawn_by_the_next(world: World, url: str) -> None:
    task = TaskKey("close_books", "r", "one", -1, 1)
    body = GateBody(**vars(task), title="Go on?")
    world.start_gate(task, title="Go on?")
    with client(world, url, SERVICE) as service:
        gate = service.open_gate(body)
        assert service.open_gate(body).id == gate.id
        assert service.get_gate(gate.id).state.value == "open"
        world.start_gate(replace(task, try_number=2), title="Go on?")
        later = service.open_gate(body.model_copy(update={"try_number": 2}))
        assert later.id != gate.id
        assert service.get_gate(gate.id).state.value == "withdrawn"
    with client(world, url, "admin") as admin:
        assert admin.withdraw_gate(later.id).state.value == "withdrawn"


def test_broken_machinery_is_told_and_the_release_tried_again(world: World, url: str) -> None:
    release_id = requested(world, url)
    with client(world, url, SERVICE) as service:
        speak(world, service, release_id, TaskRole.CHECK)
        assert service.errored(release_id, "worker lost").state is ReleaseState.ERRORED
        assert service.errored(release_id, "worker lost").state_reason == "worker lost"
    with client(world, url, "author") as author:
        assert author.retry(release_id).attempt == 2


def test_a_bundle_is_uploaded_in_parts_and_gone_on_with(world: World, url: str) -> None:
    data = world.bundle()

    class LostError(Exception):
        pass

    def dies(received: int, _total: int) -> None:
        if received >= 500:
            raise LostError

    with client(world, url, "admin") as admin:
        with pytest.raises(LostError):
            admin.upload_import(io.BytesIO(data), "a.dagbundle", progress=dies, part_size=250)
        told: list[int] = []
        row = admin.upload_import(
            io.BytesIO(data), "a.dagbundle", progress=lambda now, _: told.append(now), part_size=250
        )
        assert (row.state.value, told[0], told[-1]) == ("uploaded", 500, len(data))
        checked = admin.check_import(row.id, ImportCheckBody(folder="plant_a"))
        assert (checked.state.value, checked.folder) == ("checked", "plant_a")
        with pytest.raises(BundleMalformedError):
            admin.upload_import(io.BytesIO(b"no bundle"), "b")
        assert admin.discard_import(row.id).state.value == "discarded"


@pytest.mark.req("R53")
def test_a_connection_that_breaks_within_a_part_leaves_nothing_of_it(
    world: World, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = world.bundle()
    with client(world, url, "admin") as admin:
        row = admin.begin_import(ImportBody(file_name="a", file_size=len(data)))
        admin.send_part(row.id, data[:100], first=0, total=len(data))
        head = [
            f"PUT /release/api/v1/imports/{row.id}/content HTTP/1.1",
            "Host: airflow",
            f"Authorization: Bearer {world.token('admin')}",
            f"Content-Range: bytes 100-{len(data) - 1}/{len(data)}",
            f"Content-Length: {len(data) - 100}",
        ]
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as wire:
            wire.sendall("\r\n".join([*head, "", ""]).encode() + data[100:600])
        rest = admin.send_part(row.id, data[100:], first=100, total=len(data))

        assert rest.state.value == "uploaded"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_errors_of_the_server_come_back_as_their_classes(world: World, url: str) -> None:
    release_id = requested(world, url)
    with client(world, url, "author") as author:
        with pytest.raises(UnchangedError):
            author.submit(SubmissionBody(path="etl.py"))
        with pytest.raises(NotAllowedError):
            author.promote(release_id)
        with pytest.raises(NotFoundError):
            author.get_release(release_id + 1)
    with client(world, url, SERVICE) as service:
        with pytest.raises(TaskMismatchError):
            service.promote(release_id)
        speak(world, service, release_id, TaskRole.PROMOTE)
        with pytest.raises(ConflictError):
            service.promote(release_id)
        speak(world, service, release_id, TaskRole.CHECK)
        sent = report(release_id, service)
        service.report(release_id, sent)
        with pytest.raises(ConflictError):
            service.report(release_id, sent)
        reports = [
            (row.kind, row.attempt, row.base_commit) for row in service.get_release(release_id).reports
        ]
        assert (sent.kind, sent.attempt, sent.base_commit) in reports
    nobody = ReleaseClient(ClientSettings(url, password="no.such.token"))
    with nobody, pytest.raises(NotAuthenticatedError):
        nobody.me()


def test_password_of_the_simple_auth_manager_logs_in(world: World, url: str) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    passwords = json.loads(Path(SimpleAuthManager.get_generated_password_file()).read_text())
    with ReleaseClient(ClientSettings(url, login=SERVICE, password=passwords[SERVICE])) as service:
        assert service.me().name == SERVICE
    nobody = ReleaseClient(ClientSettings(url, login=SERVICE, password="wrong"))
    with nobody, pytest.raises(NotAuthenticatedError, match="refused to log in"):
        nobody.me()
