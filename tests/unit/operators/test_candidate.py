from __future__ import annotations

import stat
import zlib

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import set_current_context

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.operators.candidate import candidate_tree, report_test
from airflow_release_plugin.store.wire import END, frame
from tests.unit.client.context import context
from tests.unit.client.server import Answer, release
from tests.unit.operators.conftest import serve_trees


def test_candidate_tree_is_the_target_with_the_release_in_it_and_gone_afterwards(server):
    serve_trees(
        server,
        {"a.py": b"x = 2", "pkg/run.sh": b"#!"},
        target={"a.py": b"x = 1", "old.py": b"", "kept.py": b"k"},
        deleted=("old.py",),
    )
    with candidate_tree(7) as tree:
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tree.rglob("*") if p.is_file()}
        assert modes.pop(MANIFEST)
        assert modes == {"run.sh": 0o555, "a.py": 0o444, "kept.py": 0o444}
        assert (tree / "a.py").read_text() == "x = 2"
    assert not tree.exists()


@pytest.mark.parametrize("path", ["../out.py", "/etc/passwd", "a\\b.py", ".git/config"])
def test_name_that_leaves_the_folder_is_refused_and_nothing_is_written(server, path):
    serve_trees(server, {path: b"x"})
    with pytest.raises(AirflowFailException, match=r"path|name"), candidate_tree(7):
        pass


def test_bytes_that_are_not_those_of_their_id_are_refused(server):
    serve_trees(server, {"a.py": b"x = 1"})
    wrong = frame(blob_id(b"x = 1"), zlib.compress(b"x = 2")) + END
    server.script("GET", "/releases/7/blobs", Answer(content=wrong))
    with pytest.raises(Exception, match="other bytes than its id"), candidate_tree(7):
        pass


def test_candidate_tree_that_may_not_be_read_fails_the_task_with_the_servers_words(server):
    server.script(
        "GET", "/releases/7/trees", Answer(403, {"error": "not_allowed", "detail": "Service users only."})
    )
    with pytest.raises(AirflowFailException, match="Service users only"), candidate_tree(7):
        pass


@pytest.mark.parametrize(("passed", "status"), [(True, "passed"), (False, "failed")])
def test_test_result_goes_to_the_release(server, passed, status):
    server.script("GET", "/releases/7", release(attempt=2))
    server.script("POST", "/releases/7/reports", release())
    with set_current_context(context()):
        report_test(7, name="sums", passed=passed, detail="x" * 30000)
    body = server.called("/release/api/v1/releases/7/reports")[0].body
    assert (body["kind"], body["attempt"], body["request_approval"]) == ("test", 2, False)
    assert [(item["name"], item["status"]) for item in body["items"]] == [("sums", status)]
    assert len(body["items"][0]["detail"]) == 20000
