from __future__ import annotations

import io
import subprocess
import sys
import threading
from contextlib import nullcontext

import pytest

from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.exceptions import (
    ConflictError,
    NotFoundError,
    ReleaseError,
    StaleDigestError,
    UnavailableError,
    error_for_code,
)
from airflow_release_plugin.schemas.export import ExportBody
from airflow_release_plugin.schemas.gate import GateBody
from airflow_release_plugin.schemas.imports import (
    ImportApplyBody,
    ImportBody,
    ImportCheckBody,
    ImportStubsBody,
)
from airflow_release_plugin.schemas.release import ReleaseBody
from airflow_release_plugin.schemas.rollback import RollbackBody, RollbackScopeBody
from airflow_release_plugin.schemas.submission import SubmissionBody
from airflow_release_plugin.schemas.task import ClaimBody
from airflow_release_plugin.schemas.work import ProgressBody, ReportBody
from tests.unit.client.server import EXPORT, IMPORT, PREFIX, SUBMISSION, Answer, gate, plan, release

CLAIM = ClaimBody(dag_id="p", run_id="r", task_id="check", try_number=1, secret="s" * 40)
WORK = {
    "release_id": 7,
    "attempt": 1,
    "environment": "prod",
    "base_commit": None,
    "change_digest": "0" * 64,
    "units": [],
    "dag_files": ["a.py"],
    "deleted": [],
    "timeout": 60,
    "start_timeout": 60,
    "file_timeout": 60,
    "memory_mb": 4096,
    "require_confinement": False,
    "last_runs": {},
}
ME = {
    "id": "9",
    "name": "svc",
    "roles": [],
    "is_admin": False,
    "is_service": True,
    "may_approve": False,
    "waiting": 0,
    "role": "both",
    "source_mode": "dev-prod",
}
GATE_BODY = GateBody(dag_id="d", run_id="r", task_id="t", try_number=1, title="Go?")
REPORT = ReportBody(kind=ReportKind.CHECK, attempt=1, items=[])
SERVED = {"environment": "prod", "version": "c0ffee", "dag_files": {}, "dags": [], "errors": {}}
CALLS = {
    "me": (("GET", "/me", ME), lambda c: c.me()),
    "submit": (("POST", "/submissions", SUBMISSION), lambda c: c.submit(SubmissionBody(path="a.py"))),
    "request_release": (
        ("POST", "/releases", release()),
        lambda c: c.request_release(ReleaseBody(title="T", submission_ids=[5], reviewers=["bob"])),
    ),
    "request_export": (
        ("POST", "/exports", EXPORT),
        lambda c: c.request_export(ExportBody(names=["etl"])),
    ),
    "match_export": (
        ("POST", "/exports/match", {"found": [], "not_found": [], "left_out": []}),
        lambda c: c.match_export(ExportBody(names=["etl"])),
    ),
    "get_export": (("GET", "/exports/4", EXPORT), lambda c: c.get_export(4)),
    "begin_import": (
        ("POST", "/imports", IMPORT),
        lambda c: c.begin_import(ImportBody(file_name="a", file_size=10, sha256="0" * 64)),
    ),
    "send_part": (
        ("PUT", "/imports/6/content", {**IMPORT, "received": 4}),
        lambda c: c.send_part(6, b"four", first=0, total=10),
    ),
    "get_import": (("GET", "/imports/6", IMPORT), lambda c: c.get_import(6)),
    "discard_import": (
        ("DELETE", "/imports/6", {**IMPORT, "state": "discarded"}),
        lambda c: c.discard_import(6),
    ),
    "check_import": (
        ("POST", "/imports/6/preflight", {**IMPORT, "state": "checked"}),
        lambda c: c.check_import(6, ImportCheckBody()),
    ),
    "apply_import": (
        ("POST", "/imports/6/apply", {**IMPORT, "state": "applying"}),
        lambda c: c.apply_import(6, ImportApplyBody()),
    ),
    "make_import_placeholders": (
        ("POST", "/imports/6/placeholders", [{"kind": "pool", "there": "etl", "here": "etl"}]),
        lambda c: c.make_import_placeholders(6, ImportStubsBody(pools=["etl"])),
    ),
    "get_release": (("GET", "/releases/7", release()), lambda c: c.get_release(7)),
    "get_served_dags": (
        ("GET", "/environments/prod/served", SERVED),
        lambda c: c.get_served_dags("prod"),
    ),
    "get_served_text": (
        ("GET", "/environments/prod/served/a%2Fb", {"text": "{}"}),
        lambda c: c.get_served_text("prod", "a/b"),
    ),
    "get_work": (("GET", "/releases/7/work", WORK), lambda c: c.get_work(7)),
    "report": (("POST", "/releases/7/reports", release()), lambda c: c.report(7, REPORT)),
    "tell_progress": (
        ("POST", "/releases/7/progress", {"done": 1, "total": 2}),
        lambda c: c.tell_progress(7, ProgressBody(attempt=1, files=[])),
    ),
    "request_approval": (
        ("POST", "/releases/7/request-approval", release()),
        lambda c: c.request_approval(7),
    ),
    "promote": (
        ("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c"}),
        lambda c: c.promote(7),
    ),
    "verify": (("POST", "/releases/7/verify", {"status": "passed", "problems": []}), lambda c: c.verify(7)),
    "run": (
        ("POST", "/releases/7/run", [{"dag_id": "a", "run_id": "r", "state": "queued"}]),
        lambda c: c.run(7),
    ),
    "soak": (("POST", "/releases/7/soak", {"status": "passed", "problems": []}), lambda c: c.soak(7)),
    "preview_rollback": (
        ("POST", "/rollbacks/preview", plan()),
        lambda c: c.preview_rollback(RollbackScopeBody(release_id=6)),
    ),
    "request_rollback": (
        ("POST", "/rollbacks", release()),
        lambda c: c.request_rollback(RollbackBody(release_id=6, digest="1" * 64, reviewers=["bob"])),
    ),
    "retry": (("POST", "/releases/7/retry", release()), lambda c: c.retry(7)),
    "claim": (("POST", "/releases/7/claims", {"id": 5}), lambda c: c.claim(7, CLAIM)),
    "errored": (("POST", "/releases/7/errored", release(state="errored")), lambda c: c.errored(7, "why")),
    "open_gate": (("POST", "/gates", gate()), lambda c: c.open_gate(GATE_BODY)),
    "get_gate": (("GET", "/gates/3", gate()), lambda c: c.get_gate(3)),
    "withdraw_gate": (
        ("POST", "/gates/3/withdraw", gate(state="withdrawn")),
        lambda c: c.withdraw_gate(3),
    ),
}
REPEATED = CALLS.keys() - {
    "apply_import",
    "submit",
    "request_export",
    "request_release",
    "request_rollback",
    "tell_progress",
    "retry",
    "withdraw_gate",
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_gives_the_typed_answer(server, client, name):
    (method, path, body), call = CALLS[name]
    server.script(method, path, body)
    answer = call(client)
    dumped = [item.model_dump() for item in answer] if isinstance(answer, list) else answer.model_dump()
    assert dumped
    assert len(server.called(PREFIX + path)) == 1


@pytest.mark.req("R88")
def test_what_is_said_of_a_release_carries_its_claim_and_nothing_else_does(server, client):
    server.script("POST", "/releases/7/promote", {"release_id": 7, "state": "released", "commit": "c"})
    server.script("POST", "/releases/8/promote", {"release_id": 8, "state": "released", "commit": "c"})
    server.script("GET", "/releases/7", release())
    client.claim(7, CLAIM)
    client.promote(7)
    client.promote(8)
    client.get_release(7)
    assert [request.claim for request in server.requests[-3:]] == [f"5.{CLAIM.secret}", "", ""]


@pytest.mark.parametrize(("context", "sent"), [({"lost_race": True}, 2), ({"state": "draft"}, 1)])
def test_a_lost_race_is_run_again_and_any_other_conflict_is_not(server, client, context, sent):
    (method, path, body), call = CALLS["promote"]
    conflict = {"error": "conflict", "detail": "Somebody was faster.", "context": context}
    server.script(method, path, Answer(409, conflict), Answer(body=body))

    with nullcontext() if sent == 2 else pytest.raises(ConflictError):
        call(client)
    assert len(server.called(PREFIX + path)) == sent


@pytest.mark.parametrize("name", CALLS)
def test_only_calls_that_may_be_repeated_are_sent_again(server, client, name):
    (method, path, body), call = CALLS[name]
    server.script(method, path, Answer(503, {}), Answer(None), Answer(body=body))
    if name in REPEATED:
        call(client)
        assert len(server.called(PREFIX + path)) == 3
    else:
        with pytest.raises(UnavailableError):
            call(client)
        assert len(server.called(PREFIX + path)) == 1


def test_every_public_method_is_among_the_tested_calls():
    methods = {name for name in vars(ReleaseClient) if not name.startswith("_")}
    assert methods == CALLS.keys() | {"close", "download_export", "upload_import"}


@pytest.mark.parametrize(
    "code", ["not_found", "stale_digest", "self_approval", "expired", "store_unavailable"]
)
def test_the_servers_error_comes_back_as_its_class(server, client, code):
    kind = error_for_code(code)
    body = {"error": code, "detail": "Because.", "context": {"message": "m", "n": 1}}
    server.script("POST", "/releases/7/promote", Answer(kind.status, body))
    with pytest.raises(kind) as caught:
        client.promote(7)
    assert type(caught.value) is kind
    assert caught.value.message == "Because."
    assert caught.value.context == {"message": "m", "n": 1}


def test_error_with_structured_detail_keeps_it_as_text(server, client):
    server.script("GET", "/releases/7", Answer(409, {"error": "stale_digest", "detail": [{"loc": "x"}]}))
    with pytest.raises(StaleDigestError, match="loc"):
        client.get_release(7)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFoundError), (302, ReleaseError), (500, ReleaseError), (502, UnavailableError)],
)
def test_page_of_something_else_names_the_address(server, client, status, kind):
    server.script("GET", "/releases/7", Answer(status, content=b"<html>nginx</html>"))
    with pytest.raises(kind, match=r"/releases/7 answered \d+"):
        client.get_release(7)


def test_answer_of_another_version_is_named(server, client):
    server.script("GET", "/releases/7", {"id": 7})
    with pytest.raises(ReleaseError, match="same version"):
        client.get_release(7)


def test_server_that_stays_away_is_named_with_the_next_step(server, client):
    server.stop()
    with pytest.raises(UnavailableError, match=r"does not answer.*check that it runs"):
        client.get_release(7)


def test_even_a_call_that_must_not_be_repeated_waits_for_a_server_that_restarts(server):
    server.script("POST", "/submissions", SUBMISSION)
    server.stop()
    threading.Timer(0.2, server.start).start()
    settings = ClientSettings(server.url, login="svc", password="s3cret")
    with ReleaseClient(settings, backoff=Backoff(0.05, 0.1, 5)) as client:
        assert client.submit(SubmissionBody(path="a.py")).id == 5


def test_pauses_grow_to_a_cap_and_end():
    delays = list(Backoff(first=1, cap=4, total=20).delays())
    assert sum(delays[:-1]) < 20
    assert all(0.5 <= delay <= 4 for delay in delays)


def test_file_is_downloaded_whole_after_a_broken_try(server, client):
    server.script("GET", "/exports/7/file", Answer(503, {}), Answer(None), Answer(content=b"PK" * 100_000))
    file = io.BytesIO()
    client.download_export(7, file)
    assert file.getvalue() == b"PK" * 100_000


def test_file_that_may_not_be_seen_is_the_servers_error(server, client):
    with pytest.raises(NotFoundError, match="No /exports/7/file"):
        client.download_export(7, io.BytesIO())


def test_file_of_a_server_that_is_away_is_an_error(server, client):
    server.stop()
    with pytest.raises(UnavailableError):
        client.download_export(7, io.BytesIO())


def test_the_clients_load_no_database_and_no_part_of_airflow():
    code = (
        "import sys, airflow_release_plugin.client.release, airflow_release_plugin.client.watch\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(loaded & {'airflow', 'sqlalchemy', 'fastapi', 'flask'})"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )
