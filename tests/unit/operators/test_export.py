from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_release_plugin.operators.export import ExportDagsOperator
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import EXPORT, PREFIX, Answer

pytestmark = pytest.mark.req("R50", "R70")
READY = {**EXPORT, "state": "ready", "file_size": 5, "file_sha256": "0" * 64}
FINE = {"status": "success", "state": "ready", "error_type": "", "message": ""}


def test_a_bundle_is_asked_for_and_the_wait_is_the_triggerers(server):
    server.script("POST", "/exports", EXPORT)
    ti = TaskInstance()

    with pytest.raises(TaskDeferred) as deferred:
        ExportDagsOperator(task_id="t", names="etl", tag="sales", with_upstream=True).execute(context(ti))

    body = server.called(f"{PREFIX}/exports")[0].body
    assert (body["names"], body["tag"], body["with_upstream"]) == (["etl"], "sales", True)
    assert deferred.value.trigger.subject == "export:4"
    assert deferred.value.kwargs == {"export_id": 4}
    assert ti.xcoms == {"_link_ReleaseLink": "/release/ui/transfers/?export=4"}


def test_the_file_is_written_whole(server, tmp_path: Path):
    server.script("GET", "/exports/4", READY)
    server.script("GET", "/exports/4/file", Answer(200, content=b"bytes"))
    target = tmp_path / "x.dagbundle"

    found = ExportDagsOperator(task_id="t", names=["etl"], file=str(target)).fetch(
        context(), FINE, export_id=4
    )

    assert target.read_bytes() == b"bytes"
    assert list(tmp_path.iterdir()) == [target]
    assert (found["file"], found["bundle_id"], found["size"]) == (str(target), "b-1", 5)


def test_without_a_path_the_file_stays_on_the_server(server):
    server.script("GET", "/exports/4", READY)

    assert ExportDagsOperator(task_id="t", names=["etl"]).fetch(context(), FINE, export_id=4)["file"] == ""


def test_an_export_that_failed_fails_the_task_with_its_reason(server):
    server.script("GET", "/exports/4", {**EXPORT, "state": "failed", "error": "No space left on device"})
    event = {"status": "error", "state": "failed", "error_type": "refused", "message": ""}

    with pytest.raises(AirflowFailException, match="No space left"):
        ExportDagsOperator(task_id="t", names=["etl"]).fetch(context(), event, export_id=4)


def test_a_wait_that_broke_fails_the_task(server):
    event = {"status": "error", "state": "", "error_type": "not_allowed", "message": "so it was"}

    with pytest.raises(AirflowFailException, match="so it was"):
        ExportDagsOperator(task_id="t", names=["etl"]).fetch(context(), event, export_id=4)


def test_a_folder_that_is_not_there_fails_the_task(server, tmp_path: Path):
    server.script("GET", "/exports/4", READY)

    with pytest.raises(FileNotFoundError):
        ExportDagsOperator(task_id="t", names=["etl"], file=str(tmp_path / "no" / "x")).fetch(
            context(), FINE, export_id=4
        )
