from __future__ import annotations

import io
import stat

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import set_current_context

from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.operators.candidate import candidate_tree, extract, report_test
from tests.unit.client.context import context
from tests.unit.client.server import Answer, release
from tests.unit.operators.conftest import zipped


def test_files_come_out_with_content_and_executable_bit_only(tmp_path):
    archive = zipped(("pkg/", b"", 0o40755), ("pkg/run.sh", b"#!", 0o100775), ("a.py", b"x = 1", 0o100666))
    extract(io.BytesIO(archive), tmp_path / "tree")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "tree").rglob("*") if p.is_file()}
    assert modes == {"run.sh": 0o755, "a.py": 0o644}
    assert (tmp_path / "tree" / "a.py").read_bytes() == b"x = 1"


@pytest.mark.parametrize(
    "entry",
    [
        ("/etc/passwd", b"", 0o100644),
        ("../out.py", b"", 0o100644),
        ("pkg/../../out.py", b"", 0o100644),
        ("pkg\\..\\out.py", b"", 0o100644),
        ("C:/out.py", b"", 0o100644),
        ("link.py", b"/etc/passwd", 0o120777),
    ],
)
def test_entry_that_leaves_the_folder_is_refused_and_nothing_is_written_outside(tmp_path, entry):
    with pytest.raises(InvalidRequestError, match="cannot be unpacked"):
        extract(io.BytesIO(zipped(entry)), tmp_path / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert not list((tmp_path / "tree").iterdir())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entry_that_comes_twice_is_refused(tmp_path):
    archive = zipped(("a.py", b"1", 0o100644), ("a.py", b"2", 0o100644))
    with pytest.raises(InvalidRequestError, match="comes twice"):
        extract(io.BytesIO(archive), tmp_path / "tree")


@pytest.mark.parametrize("cut", [slice(0, 40), slice(0, 0)])
def test_damaged_archive_is_an_error_that_a_retry_may_mend(tmp_path, cut):
    with pytest.raises(ReleaseError, match="damaged") as caught:
        extract(io.BytesIO(zipped(("a.py", b"1" * 100, 0o100644))[cut]), tmp_path / "tree")
    assert caught.value.status == 500


def test_changed_content_is_found_by_its_checksum(tmp_path):
    archive = bytearray(zipped(("a.py", b"print(1)" * 20, 0o100644)))
    archive[50] ^= 0xFF
    with pytest.raises(ReleaseError, match="damaged"):
        extract(io.BytesIO(bytes(archive)), tmp_path / "tree")


def test_candidate_tree_is_there_inside_and_gone_afterwards(server):
    server.script("GET", "/releases/7/tree", Answer(content=zipped(("a.py", b"x = 1", 0o100644))))
    with candidate_tree(7) as tree:
        assert (tree / "a.py").read_text() == "x = 1"
    assert not tree.exists()


def test_candidate_tree_that_may_not_be_read_fails_the_task_with_the_servers_words(server):
    server.script(
        "GET", "/releases/7/tree", Answer(403, {"error": "not_allowed", "detail": "Service users only."})
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
