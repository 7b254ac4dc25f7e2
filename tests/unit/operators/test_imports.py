from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_release_plugin.operators.imports import ImportDagsOperator
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import IMPORT, PREFIX, Answer

pytestmark = pytest.mark.req("R53", "R56", "R70")
UPLOADED = {
    **IMPORT,
    "state": "uploaded",
    "received": 4,
    "file_size": 4,
    "bundle_id": "b-1",
    "dag_ids": ["etl"],
}
CHECKED = {**UPLOADED, "state": "checked"}
APPLYING = {**UPLOADED, "state": "applying"}
APPLIED = {**UPLOADED, "state": "applied", "release_id": 9, "signer": "plant A"}
FINE = {"status": "success", "state": "applied", "error_type": "", "message": ""}
MISSING = {
    "reason": "missing_pool",
    "severity": "block",
    "items": [{"name": "etl_pool", "detail": "", "dag_ids": ["etl"]}],
}
FACTS = {"import_id": 6, "bundle_id": "b-1", "signer": "plant A", "dag_ids": ["etl"], "release_id": 9}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.dagbundle"
    path.write_bytes(b"data")
    return path


def operator(file: Path, **more: Any) -> ImportDagsOperator:
    return ImportDagsOperator(task_id="t", file=str(file), **more)


def test_a_bundle_is_sent_checked_and_applied_and_the_wait_is_the_triggerers(server, file):
    server.script("POST", "/imports", {**IMPORT, "file_size": 4})
    server.script("PUT", "/imports/6/content", UPLOADED)
    server.script("POST", "/imports/6/preflight", CHECKED)
    server.script("POST", "/imports/6/apply", APPLYING)
    ti = TaskInstance()

    with pytest.raises(TaskDeferred) as deferred:
        operator(
            file,
            folder="plant_a",
            names={"pool": {"etl_pool": "small"}},
            mode="release",
            reviewers="bob, eve",
        ).execute(context(ti))

    sent = {
        path: server.called(PREFIX + path)[0].body for path in ("/imports/6/preflight", "/imports/6/apply")
    }
    assert server.called(f"{PREFIX}/imports/6/content")[0].body == b"data"
    assert sent["/imports/6/preflight"]["names"] == {"pool": {"etl_pool": "small"}}
    assert sent["/imports/6/preflight"]["folder"] == "plant_a"
    assert (sent["/imports/6/apply"]["mode"], sent["/imports/6/apply"]["reviewers"]) == (
        "release",
        ["bob", "eve"],
    )
    assert (deferred.value.trigger.subject, deferred.value.trigger.known) == ("import:6", "applying")
    assert deferred.value.kwargs == {"import_id": 6}
    assert ti.xcoms == {"_link_ReleaseLink": "/release/ui/transfers/imports/6"}


def test_what_blocks_it_fails_the_task_with_every_reason(server, file):
    server.script("POST", "/imports", UPLOADED)
    server.script("POST", "/imports/6/preflight", {**CHECKED, "preflight": [MISSING]})
    blocked = {"error": "import_blocked", "detail": "Import 6 cannot be applied.", "context": {}}
    server.script("POST", "/imports/6/apply", Answer(409, blocked))
    server.script("GET", "/imports/6", {**CHECKED, "preflight": [MISSING]})

    with pytest.raises(AirflowFailException, match=r"cannot be applied\.\n- missing_pool: etl_pool"):
        operator(file).execute(context())


def test_a_file_that_was_applied_before_is_not_applied_again(server, file):
    server.script("POST", "/imports", APPLIED)

    assert operator(file).execute(context()) == FACTS
    assert server.called(f"{PREFIX}/imports/6/apply") == []


def test_a_task_that_runs_again_while_it_is_applied_waits_on(server, file):
    server.script("POST", "/imports", APPLYING)

    with pytest.raises(TaskDeferred):
        operator(file).execute(context())
    assert server.called(f"{PREFIX}/imports/6/apply") == []


def test_a_bundle_that_is_refused_fails_the_task_for_good(server, file):
    server.script("POST", "/imports", {**IMPORT, "file_size": 4})
    refused = {"error": "bundle_untrusted", "detail": "The key is not trusted here.", "context": {}}
    server.script("PUT", "/imports/6/content", Answer(422, refused))

    with pytest.raises(AirflowFailException, match="not trusted"):
        operator(file).execute(context())


def test_what_became_of_it_is_the_xcom(server, file):
    server.script("GET", "/imports/6", APPLIED)

    assert operator(file).applied(context(), FINE, import_id=6) == FACTS


def test_an_import_that_was_given_back_fails_the_task_with_its_reason(server, file):
    server.script("GET", "/imports/6", {**CHECKED, "error": "No space left on device"})
    event = {"status": "error", "state": "checked", "error_type": "refused", "message": ""}

    with pytest.raises(AirflowFailException, match="No space left"):
        operator(file).applied(context(), event, import_id=6)


def test_a_wait_that_broke_fails_the_task(server, file):
    event = {"status": "error", "state": "", "error_type": "not_allowed", "message": "so it was"}

    with pytest.raises(AirflowFailException, match="so it was"):
        operator(file).applied(context(), event, import_id=6)


def test_an_unknown_mode_fails_the_task(server, file):
    server.script("POST", "/imports", UPLOADED)
    server.script("POST", "/imports/6/preflight", CHECKED)

    with pytest.raises(AirflowFailException, match="mode"):
        operator(file, mode="at once").execute(context())
