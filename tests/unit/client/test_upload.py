from __future__ import annotations

import hashlib
import io

import pytest

from airflow_release_plugin.exceptions import BundleUntrustedError, ConflictError
from tests.unit.client.server import IMPORT, PREFIX, Answer

pytestmark = pytest.mark.req("R53")
DATA = b"0123456789"
CONTENT = "/imports/6/content"
DONE = {**IMPORT, "state": "uploaded", "received": 10}


def here(received: int) -> dict:
    return {**IMPORT, "received": received}


def parts(server) -> list[bytes | None]:
    return [request.body for request in server.called(PREFIX + CONTENT)]


def test_a_file_is_sent_part_by_part_and_who_waits_is_told(server, client):
    server.script("POST", "/imports", IMPORT)
    server.script("PUT", CONTENT, here(4), here(8), DONE)
    told = []

    row = client.upload_import(
        io.BytesIO(DATA), "a.dagbundle", progress=lambda *now: told.append(now), part_size=4
    )

    assert row.state.value == "uploaded"
    assert parts(server) == [b"0123", b"4567", b"89"]
    assert told == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert server.called(PREFIX + "/imports")[0].body == {
        "file_name": "a.dagbundle",
        "file_size": 10,
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }


def test_it_goes_on_where_an_earlier_upload_broke_off(server, client):
    server.script("POST", "/imports", here(7))
    server.script("PUT", CONTENT, DONE)

    client.upload_import(io.BytesIO(DATA), "a")

    assert parts(server) == [b"789"]


def test_a_part_whose_answer_got_lost_is_not_sent_for_ever(server, client):
    server.script("POST", "/imports", IMPORT)
    conflict = Answer(409, {"error": "conflict", "detail": "Go on at byte 4.", "context": {"received": 4}})
    server.script("PUT", CONTENT, Answer(None), conflict, DONE)
    server.script("GET", "/imports/6", here(4))

    client.upload_import(io.BytesIO(DATA), "a", part_size=4)

    assert parts(server) == [b"0123", b"0123", b"4567"]


def test_a_server_that_wants_something_else_ends_it(server, client):
    server.script("POST", "/imports", IMPORT)
    server.script("PUT", CONTENT, Answer(409, {"error": "conflict", "detail": "No.", "context": {}}))
    server.script("GET", "/imports/6", IMPORT)

    with pytest.raises(ConflictError, match="No"):
        client.upload_import(io.BytesIO(DATA), "a")


def test_a_file_that_is_there_already_is_not_sent(server, client):
    server.script("POST", "/imports", DONE)

    assert client.upload_import(io.BytesIO(DATA), "a").id == 6
    assert parts(server) == []


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (
            {"state": "failed", "error": "Unknown key.", "error_code": "bundle_untrusted"},
            BundleUntrustedError,
        ),
        ({"state": "discarded", "error": "Discarded by admin."}, ConflictError),
    ],
)
def test_an_upload_that_ended_meanwhile_says_why(server, client, row, kind):
    server.script("POST", "/imports", IMPORT)
    server.script("PUT", CONTENT, Answer(409, {"error": "conflict", "detail": "Over.", "context": {}}))
    server.script("GET", "/imports/6", {**IMPORT, **row})

    with pytest.raises(kind, match=row["error"]):
        client.upload_import(io.BytesIO(DATA), "a")
