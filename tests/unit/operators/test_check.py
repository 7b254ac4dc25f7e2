from __future__ import annotations

import json
import zlib

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.messages import restored
from airflow_release_plugin.operators.check import CheckReleaseOperator
from airflow_release_plugin.store.wire import END, frame
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import Answer, release
from tests.unit.operators.conftest import serve_trees

# Airflow's reading of .airflowignore
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern")

GOOD = b"""
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("good", schedule="@daily"):
    EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")
"""
TREE = {
    "good.py": GOOD,
    "twin.py": GOOD,
    "broken.py": b"import airflow\nimport no_such_module_anywhere\n",
    "empty.py": b"# airflow dag\n",
    "slow.py": b"import time\ntime.sleep(1)\n" + GOOD,
}


def prepare(server, dag_files, deleted=(), units=(), trees=None, **limits):
    work = {
        "release_id": 7,
        "attempt": 2,
        "environment": "prod",
        "base_commit": "base",
        "change_digest": "0" * 64,
        "units": list(units),
        "dag_files": dag_files,
        "deleted": list(deleted),
        "timeout": 600,
        "start_timeout": 120,
        "file_timeout": 60,
        "memory_mb": 4096,
        "require_confinement": False,
        "last_runs": {"good": None},
        **limits,
    }
    server.script("GET", "/releases/7/work", work)
    serve_trees(server, **(trees or {"changed": {path: TREE[path] for path in dag_files}}))
    server.script("POST", "/releases/7/reports", release())


def unit(path, *files, snapshot="then", submission_id=5):
    return {"submission_id": submission_id, "path": path, "snapshot": snapshot, "files": [path, *files]}


def report(server):
    return restored(server.called("/release/api/v1/releases/7/reports")[0].body)


def test_release_that_parses_is_reported_with_its_facts(server):
    prepare(server, ["good.py"], deleted=["old.py"])
    ti = TaskInstance()
    operator = CheckReleaseOperator(task_id="check", release_id="7", request_approval=False)
    assert operator.execute(context(ti)) == ["good"]

    body = report(server)
    assert (body["kind"], body["attempt"], body["base_commit"]) == ("check", 2, "base")
    assert body["request_approval"] is False
    parsed, confined, deleted = body["items"]
    assert (parsed["path"], parsed["status"]) == ("good.py", "passed")
    dag = parsed["facts"]["dags"][0]
    assert dag["dag_id"] == "good"
    assert [task["task_id"] for task in dag["tasks"]] == ["one", "two"]
    assert [each["path"] for each in parsed["facts"]["observed"]["opened"]] == ["good.py"]
    assert parsed["facts"]["observed"]["is_whole"] is True
    footprint = Footprint.from_dict(parsed["facts"]["footprint"])
    assert ("good.py" in footprint.used, footprint.is_whole) == (True, True)
    assert (deleted["name"], deleted["path"], deleted["status"]) == ("deleted", "old.py", "passed")
    assert ti.xcoms == {"_link_ReleaseLink_check": "/release/ui/releases/7"}
    assert (confined["name"], confined["status"]) == ("confinement", "passed")
    assert confined["detail"].startswith("Confined: files and ")
    assert confined["facts"]["is_whole"] is True


def test_release_that_does_not_is_reported_first_and_then_fails_the_task(server):
    prepare(server, ["good.py", "twin.py", "broken.py", "empty.py"])
    with pytest.raises(AirflowFailException) as caught:
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())

    failed = {(item["name"], item["path"]) for item in report(server)["items"] if item["status"] == "failed"}
    assert failed == {("parse", "broken.py"), ("parse", "empty.py"), ("duplicate", "twin.py")}
    lines = str(caught.value).splitlines()
    assert lines[0] == "Release 7 did not pass its check:"
    assert "- broken.py: ModuleNotFoundError: No module named 'no_such_module_anywhere'" in lines
    assert "- empty.py: The file defines no DAG." in lines


def test_broken_machinery_is_not_reported_as_a_failed_check_so_that_the_task_is_retried(server):
    prepare(server, ["good.py"])
    wrong = frame(blob_id(GOOD), zlib.compress(b"other")) + END
    server.script("GET", "/releases/7/blobs", Answer(content=wrong))
    with pytest.raises(Exception, match="other bytes than its id") as caught:
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())
    assert not isinstance(caught.value, AirflowFailException)
    assert not server.called("/release/api/v1/releases/7/reports")


READS = b"""
from pathlib import Path
from airflow.sdk import DAG
with DAG((Path(__file__).parent / "".join(["na", "me"])).read_text()):
    pass
"""


@pytest.mark.req("R81")
def test_what_a_version_opened_in_the_source_is_reported_to_join_it(server):
    prepare(
        server,
        ["reads.py"],
        units=[unit("reads.py")],
        trees={
            "changed": {"reads.py": READS},
            "snapshots": {"then": {"reads.py": READS, "name": b"found", "other": b""}},
        },
    )
    assert CheckReleaseOperator(task_id="check", release_id=7).execute(context()) == ["found"]

    body = report(server)
    assert body["joined"] == [
        {"submission_id": 5, "path": "name", "reason": "opened when it ran, reads.py line 4"}
    ]
    [proof] = [item for item in body["items"] if item["name"] == "proof"]
    assert (proof["status"], proof["facts"]["equal"], proof["facts"]["joined"]) == ("passed", True, ["name"])


NAMES = b"""
import os
from airflow.sdk import DAG
for name in os.listdir(os.path.join(os.path.dirname(__file__), "con" + "f")):
    with DAG(name):
        pass
"""


@pytest.mark.req("R80")
def test_a_version_that_would_make_other_dags_fails_with_the_file_and_the_mending_line(server):
    prepare(
        server,
        ["names.py"],
        units=[unit("names.py", "conf/a")],
        trees={
            "changed": {"names.py": NAMES, "conf/a": b""},
            "snapshots": {"then": {"names.py": NAMES, "conf/a": b"", "conf/b": b"b"}},
        },
    )
    with pytest.raises(AirflowFailException):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())
    [proof] = [item for item in report(server)["items"] if item["name"] == "proof"]
    assert proof["status"] == "failed"
    assert "In the source names.py makes a, b; in the target it would make a." in proof["detail"]
    assert 'files = ["conf/b"]' in proof["detail"]
    assert proof["facts"]["lacking"] == ["conf/b"]


SAYS = b"""
import logging, os
from airflow.sdk import DAG
if not os.path.exists(os.path.join(os.path.dirname(__file__), "con" + "f")):
    logging.getLogger("shop").warning("no conf")
with DAG("says"):
    pass
"""


@pytest.mark.req("R80")
def test_a_warning_that_only_the_target_gives_fails_in_the_words_of_the_origin(server):
    prepare(
        server,
        ["says.py"],
        units=[{**unit("says.py"), "is_imported": True}],
        trees={
            "changed": {"says.py": SAYS},
            "snapshots": {"then": {"says.py": SAYS, "conf": b"c"}},
        },
    )
    with pytest.raises(AirflowFailException, match="and in the bundle it does not: WARNING: no conf"):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())
    [proof] = [item for item in report(server)["items"] if item["name"] == "proof"]
    assert (proof["facts"]["logged"], proof["facts"]["lacking"]) == (["WARNING: no conf"], ["conf"])


USER = b"""
from airflow.sdk import DAG
import shared
with DAG("user", description=shared.TEXT):
    pass
with DAG("always_the_same"):
    pass
"""


@pytest.mark.parametrize(
    ("text", "status", "dag_ids", "said"),
    [
        (b"TEXT = 'new'", "warning", ["user"], "would change with it"),
        (b"TEXT = 1 / 0", "failed", ["always_the_same", "user"], "it would fail: ZeroDivisionError"),
    ],
)
def test_what_becomes_of_a_dag_outside_of_the_release_is_reported(server, text, status, dag_ids, said):
    prepare(
        server,
        ["good.py", "user.py"],
        trees={
            "changed": {"good.py": GOOD, "shared.py": text},
            "target": {"user.py": USER, "shared.py": b"TEXT = 'old'"},
        },
    )
    operator = CheckReleaseOperator(task_id="check", release_id=7)
    if status == "failed":
        with pytest.raises(AirflowFailException):
            operator.execute(context())
    else:
        operator.execute(context())
    [item] = [item for item in report(server)["items"] if item["name"] == "also changes"]
    assert (item["path"], item["status"], item["facts"]["dag_ids"]) == ("user.py", status, dag_ids)
    assert said in item["detail"]


BETA = b"""
from airflow.sdk import DAG
with DAG("beta"):
    pass
"""


def also_changes(server, *, is_harm, **prepared):
    """The items about DAGs outside of a release of good.py."""
    prepare(server, ["good.py"], **prepared)
    operator = CheckReleaseOperator(task_id="check", release_id=7)
    if is_harm:
        with pytest.raises(AirflowFailException):
            operator.execute(context())
    else:
        operator.execute(context())
    return [item for item in report(server)["items"] if item["name"] == "also changes"]


@pytest.mark.req("R82")
@pytest.mark.parametrize(
    ("ignore", "line"),
    [
        ({".airflowignore": b"# ours\n\nbeta.py\n"}, ".airflowignore line 3 ('beta.py') hides it"),
        (
            {".airflowignore": b"*.py\n!beta.py\n!good.py\nb*\n"},
            ".airflowignore line 4 ('b*') hides it",
        ),
    ],
    ids=["one line", "the last of several"],
)
def test_a_dag_file_that_the_release_would_hide_fails_it_with_the_line(server, ignore, line):
    [item] = also_changes(
        server,
        is_harm=True,
        trees={
            "changed": {"good.py": GOOD, **ignore},
            "target": {"beta.py": BETA, "lib/tool.py": b"# airflow dag"},
        },
        served={"beta.py": ["beta"]},
    )
    assert (item["path"], item["status"], item["facts"]["dag_ids"]) == ("beta.py", "failed", ["beta"])
    assert item["detail"] == (
        "beta.py is not in this release; with it, Airflow would not find that file any more, and beta would "
        f"disappear: {line}. Take that back, or release the removal of beta.py together with this."
    )


@pytest.mark.req("R82")
def test_modules_that_are_hidden_and_dag_files_that_were_hidden_before_are_no_harm(server):
    found = also_changes(
        server,
        is_harm=False,
        trees={
            "changed": {"good.py": GOOD, ".airflowignore": b"old.py\nlib\n"},
            "target": {".airflowignore": b"old.py\n", "old.py": BETA, "lib/tool.py": b"# airflow dag"},
        },
        served={"old.py": ["beta"]},
    )
    assert found == []


@pytest.mark.req("R82")
def test_a_dag_file_that_goes_with_the_release_is_not_missed(server):
    found = also_changes(
        server,
        is_harm=False,
        deleted=["beta.py"],
        trees={"changed": {"good.py": GOOD}, "target": {"beta.py": BETA}, "deleted": ("beta.py",)},
        served={"beta.py": ["beta"]},
    )
    assert found == []


@pytest.mark.req("R82")
@pytest.mark.parametrize(
    ("served", "status", "said"),
    [
        ({}, "warning", "and serve beta. Let .airflowignore hide it, or submit beta.py"),
        ({"far.py": ["beta"]}, "failed", "though beta is served from far.py already"),
    ],
)
def test_a_dag_file_that_the_release_would_show_is_named(server, served, status, said):
    [item] = also_changes(
        server,
        is_harm=status == "failed",
        trees={
            "changed": {"good.py": GOOD, ".airflowignore": b"nothing\n"},
            "target": {".airflowignore": b"beta.py\n", "beta.py": BETA},
        },
        served=served,
    )
    assert (item["path"], item["status"], item["facts"]["dag_ids"]) == ("beta.py", status, ["beta"])
    assert said in item["detail"]


@pytest.mark.req("R82")
def test_a_module_of_the_release_that_airflow_would_take_for_a_dag_file_is_run_and_not_spoken_of(server):
    helper = b"# an airflow dag needs this\nraise ImportError('only together')"
    found = also_changes(
        server,
        is_harm=False,
        units=[unit("good.py", "lib/helper.py", snapshot=None)],
        trees={"changed": {"good.py": GOOD, "lib/helper.py": helper}},
    )
    assert found == []
    assert not [item for item in report(server)["items"] if item["path"] == "lib/helper.py"]


@pytest.mark.req("R82")
def test_a_module_of_the_release_that_makes_dags_by_itself_is_named(server):
    [item] = also_changes(
        server,
        is_harm=False,
        units=[unit("good.py", "lib/beta.py", snapshot=None)],
        trees={"changed": {"good.py": GOOD, "lib/beta.py": BETA}},
    )
    assert (item["path"], item["facts"]["dag_ids"]) == ("lib/beta.py", ["beta"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({".airflowignore": b"good.py"}, ".airflowignore line 1 ('good.py') hides it"),
        ({"team/.airflowignore": b"x\n*.py\n"}, "team/.airflowignore line 2 ('*.py') hides it"),
    ],
)
def test_a_released_file_that_airflow_would_not_find_fails_the_release(server, files, said):
    path = "team/good.py" if "team/.airflowignore" in files else "good.py"
    prepare(server, [path], units=[unit(path, snapshot=None)], trees={"changed": {path: GOOD, **files}})
    with pytest.raises(AirflowFailException, match=f"Airflow would not find {path} in the target"):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())
    [item] = [item for item in report(server)["items"] if item["name"] == "discovery"]
    assert said in item["detail"]


def test_an_ignore_file_that_airflow_cannot_read_fails_the_release(server):
    trees = {"changed": {"good.py": GOOD, ".airflowignore": b"\xff\xfe"}, "target": {"beta.py": BETA}}
    prepare(server, ["good.py"], trees=trees, served={"beta.py": ["beta"]})
    with pytest.raises(AirflowFailException, match="Airflow would find no DAG file in the target any more"):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())


def test_read_of_the_source_fails_the_release_with_the_line(server, tmp_path, monkeypatch):
    source = tmp_path / "dags"
    source.mkdir()
    (source / "rates.yaml").write_text("a: 1")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles(source))
    TREE["reads.py"] = f"try:\n  open('{source}/rates.yaml')\nexcept OSError: pass\n".encode() + GOOD
    prepare(server, ["reads.py"])
    with pytest.raises(
        AirflowFailException, match=r"reads.py line 2 opens .*rates.yaml, which lies in the source"
    ):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())

    (item,) = [item for item in report(server)["items"] if item["status"] == "failed"]
    assert (item["name"], item["path"]) == ("parse", "reads.py")


def bundles(source):
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": "dev", "classpath": classpath, "kwargs": {"path": str(source)}}])


def test_time_that_is_up_before_a_file_had_its_turn_is_no_fault_of_a_file(server):
    prepare(server, ["slow.py", "good.py"], timeout=0)
    with pytest.raises(
        UnavailableError, match=r"no fault of these files; the check is tried again.*check_timeout"
    ):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())
    assert not server.called("/release/api/v1/releases/7/reports")


CONFLICT = Answer(409, {"error": "conflict", "detail": "It takes no more reports."})
STORED = {
    "id": 1,
    "kind": "check",
    "attempt": 2,
    "passed": True,
    "base_commit": "base",
    "reported_at": "2026-01-02T03:04:05Z",
    "reported_by": {"id": "9", "name": "svc"},
    "items": [],
}


def test_task_that_died_after_its_report_ends_well_when_it_runs_again(server):
    prepare(server, ["good.py"])
    server.script("POST", "/releases/7/reports", CONFLICT)
    server.script("GET", "/releases/7", release(state="awaiting_approval", reports=[STORED]))
    assert CheckReleaseOperator(task_id="check", release_id=7).execute(context()) == ["good"]


def test_report_that_comes_too_late_fails_the_task(server):
    prepare(server, ["good.py"])
    server.script("POST", "/releases/7/reports", CONFLICT)
    server.script("GET", "/releases/7", release(state="revoked", reports=[STORED | {"attempt": 1}]))
    with pytest.raises(AirflowFailException, match="no more reports"):
        CheckReleaseOperator(task_id="check", release_id=7).execute(context())


@pytest.mark.parametrize("value", ["", "None", "seven", 0])
def test_release_id_that_is_none_fails_with_the_next_step(server, value):
    with pytest.raises(AirflowFailException, match="give the number"):
        CheckReleaseOperator(task_id="check", release_id=value).execute(context())
