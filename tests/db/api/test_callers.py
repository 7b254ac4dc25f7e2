"""Who a request speaks for, the one shape of errors, and what is never an internal error."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from tests.conftest import BACKENDS
from tests.db.api.world import API, MANAGERS, World, error_of, ok, the_app

ROUTES = sorted(
    (method, route.path.removeprefix(API))
    for route in the_app().routes
    if isinstance(route, APIRoute)
    for method in route.methods
)
CLOSED = [route for route in ROUTES if route[1] != "/health"]


def test_an_expired_token_is_nobody(world: World) -> None:
    client = world.client(world.token("admin", seconds=-3600))

    assert error_of(client.get("/me")) == (401, "not_authenticated")


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("header", ["Bearer garbage", "Bearer ", "Bearer a.b.c", "Basic YTpi", "nonsense"])
def test_a_header_that_is_no_token_is_nobody(empty_world: World, header: str) -> None:
    response = empty_world.client(Authorization=header).get("/me")

    assert (*error_of(response), response.headers["www-authenticate"]) == (401, "not_authenticated", "Bearer")


def test_a_token_that_another_key_signed_is_nobody(world: World) -> None:
    import jwt

    forged = jwt.encode({"sub": "admin", "role": "admin"}, "another key" * 8, algorithm="HS512")

    assert world.client(forged).get("/me").status_code == 401


@pytest.mark.parametrize("manager", ["fab"])
def test_somebody_who_was_deactivated_is_nobody(empty_world: World) -> None:
    from airflow.providers.fab.auth_manager.models import User

    client = empty_world.as_("admin")
    ok(client.get("/me"))
    with empty_world.session() as session:
        session.query(User).filter_by(username="admin").one().active = False
        session.commit()

    assert error_of(client.get("/me")) == (401, "not_authenticated")


@pytest.mark.req("R36")
@pytest.mark.parametrize("manager", MANAGERS)
def test_somebody_who_was_removed_after_they_were_asked_decides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = world.awaiting()
    token = world.token("reviewer")
    world.remove("reviewer", monkeypatch)
    body = {"verdict": "approve", "change_digest": release["change_digest"]}

    answer = world.client(token).post(f"/releases/{release['id']}/decisions", json=body)

    assert error_of(answer) == (401, "not_authenticated")
    assert world.state(release) == "awaiting_approval"


@pytest.mark.parametrize("manager", ["fab"])
def test_a_role_that_was_taken_away_counts_no_more(empty_world: World) -> None:
    from airflow.providers.fab.auth_manager.models import User

    client = empty_world.as_("admin")
    assert ok(client.get("/me"))["is_admin"]
    with empty_world.session() as session:
        session.query(User).filter_by(username="admin").one().roles = []
        session.commit()

    assert not ok(client.get("/me"))["is_admin"]


@pytest.mark.parametrize("manager", MANAGERS)
def test_airflows_cookie_is_enough_to_read(empty_world: World) -> None:
    client = empty_world.client(Cookie=f"_token={empty_world.token('admin')}")

    assert ok(client.get("/me"))["name"] == "admin"


@pytest.mark.parametrize("origin", [None, "http://testserver", "https://evil.example.org"])
@pytest.mark.parametrize(("method", "path"), [r for r in CLOSED if r[0] != "GET"])
def test_a_cookie_never_authorises_a_change(
    empty_world: World, method: str, path: str, origin: str | None
) -> None:
    headers = {"Origin": origin} if origin else {}
    client = empty_world.client(Cookie=f"_token={empty_world.token('admin')}", **headers)

    response = client.request(method, filled(path, "1"))

    assert error_of(response) == (403, "csrf")


def test_no_other_site_may_read_the_answers(world: World) -> None:
    response = world.as_("admin").get("/me", headers={"Origin": "https://evil.example.org"})

    assert [name for name in response.headers if name.startswith("access-control")] == []


def test_nobody_learns_nothing_but_the_public_shape(world: World) -> None:
    client = world.client()
    health = ok(client.get("/health"))
    public = client.get("/openapi.json").text

    assert health == {"status": "healthy", "problems": [], "reasons": [], "machines": []}
    assert not any(secret in public for secret in (str(world.folder), "Bearer ey", "author2"))


BAD_IDS = ["0", "-1", "999999", "9223372036854775807", "9223372036854775808", "9" * 40]
BAD_WORDS = ["x", "1.5", "null", "%00", "1%00", "%ED%A0%80"]
ABSENT = (404, "not_found")


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_what_does_not_exist_is_not_found(empty_world: World) -> None:
    client = empty_world.as_("admin")
    found = {
        f"{method} {path} {number}": error_of(
            client.request(method, filled(path, number), json=body_of(path))
        )
        for method, path in CLOSED
        if "_id}" in path
        for number in BAD_IDS
        if "dag_id" not in path
    }

    assert {key: answer for key, answer in found.items() if answer[0] not in {404, 422}} == {}
    assert {
        key: answer for key, answer in found.items() if key.endswith(" 999999") and answer != ABSENT
    } == {}


@pytest.mark.parametrize("word", BAD_WORDS)
def test_an_id_that_is_no_number_has_the_wrong_shape(empty_world: World, word: str) -> None:
    client = empty_world.as_("admin")
    for method, path in CLOSED:
        if "_id}" in path and "dag_id" not in path:
            answer = client.request(method, filled(path, word), json=body_of(path))
            assert error_of(answer) == (422, "invalid_request"), (method, path)


FLOW = {
    "name": "Exports",
    "kind": "retirement",
    "levels": [{"name": "Standard", "steps": [{"name": "Admins", "roles": ["admin", "Admin"]}]}],
}


def filled(path: str, number: str) -> str:
    """The path with ``number`` for each of its parameters."""
    return re.sub(r"{\w+}", lambda _: number, path)


def body_of(path: str) -> dict[str, Any] | None:
    """A body of the right shape."""
    bodies: dict[str, dict[str, Any]] = {
        "decisions": {"verdict": "approve", "change_digest": "0" * 64},
        "reports": {"kind": "check", "attempt": 1, "items": []},
        "errored": {"reason": "x"},
        "progress": {"attempt": 1, "files": []},
        "claims": BODIES["/releases/1/claims"],
        "add-files": BODIES["/releases/1/add-files"],
        "comments": {"text": "x"},
        "{comment_id}": {"text": "x"},
        "threads": {"path": "etl.py", "line": 1, "text": "x"},
        "revoke": {"reason": "x"},
        "hold": {"reason": "x"},
        "review": {"comment": "It was one."},
        "break-glass": {"change_digest": "0" * 64, "reason": "Orders stand still."},
        "enabled": {"enabled": True},
        "preflight": {"folder": ""},
        "placeholders": {"pools": []},
        "apply": {"mode": "submit"},
        "{flow_id}": {"spec": FLOW, "revision": 1},
    }
    return bodies.get(path.rpartition("/")[2])


ROLLBACK_SCOPE: dict[str, Any] = {
    "dag_id": "etl",
    "version": 1,
    "release_id": 1,
    "moment": "2026-01-01T00:00:00Z",
    "after_release_id": 1,
    "retire": ["etl"],
    "include": ["etl.py"],
    "keep": ["helpers.py"],
}
BODIES: dict[str, dict[str, Any]] = {
    "/notices/read": {"notice_ids": [1]},
    "/notices/ways": {"ways": {"decided": "digest"}},
    "/versions/head": {"environment": "prod", "host": "worker-1", "serves": "a" * 40, "pause": 60},
    "/submissions": {"path": "etl.py", "comment": "c"},
    "/releases": {
        "title": "t",
        "submission_ids": [1],
        "reviewers": ["reviewer"],
        "description": "d",
        "run_after_release": False,
        "scheduled_at": "2026-01-01T00:00:00Z",
        "at_least_level": 1,
        "soak_minutes": 0,
    },
    "/rollbacks/preview": ROLLBACK_SCOPE,
    "/rollbacks": {
        **ROLLBACK_SCOPE,
        "digest": "0" * 64,
        "reviewers": ["reviewer"],
        "title": "t",
        "description": "d",
        "run_after_release": False,
        "scheduled_at": "2026-01-01T00:00:00Z",
        "at_least_level": 1,
    },
    "/environments/1/hold": {"reason": "r", "ends_at": "2098-01-01T00:00:00Z", "excepted": [1]},
    "/environments/1/drift/adopt": {
        "digest": "0" * 64,
        "reviewers": ["reviewer"],
        "title": "t",
        "description": "d",
    },
    "/releases/1/decisions": {"verdict": "approve", "comment": "c", "change_digest": "0" * 64},
    "/releases/1/add-files": {"files": [{"submission_id": 1, "path": "q.sql"}]},
    "/releases/1/revoke": {"reason": "r"},
    "/releases/1/comments": {"text": "t"},
    "/releases/1/comments/1": {"text": "t"},
    "/releases/1/threads": {"path": "etl.py", "side": "new", "line": 1, "text": "t"},
    "/releases/1/threads/1/comments": {"text": "t"},
    "/releases/1/errored": {"reason": "r"},
    "/releases/1/claims": {
        "dag_id": "d",
        "run_id": "r",
        "task_id": "t",
        "map_index": -1,
        "try_number": 1,
        "secret": "x" * 40,
    },
    "/releases/1/progress": {"attempt": 1, "files": [{"path": "p", "state": "checked", "detail": "d"}]},
    "/releases/1/reports": {
        "kind": "check",
        "attempt": 1,
        "base_commit": "a",
        "items": [{"name": "n", "status": "passed", "path": "p", "detail": "d", "facts": {"k": "v"}}],
    },
    "/gates": {
        "dag_id": "d",
        "run_id": "r",
        "task_id": "t",
        "map_index": -1,
        "try_number": 1,
        "title": "t",
        "message": "m",
        "valid_hours": 1.5,
        "approvers": ["reviewer"],
    },
    "/gates/1/decisions": {"verdict": "approve", "comment": "c", "change_digest": "0" * 64},
    "/releases/1/emergencies/1/review": {"comment": "It was one."},
    "/releases/1/break-glass": {"change_digest": "0" * 64, "reason": "Orders stand still."},
    "/approvals/decisions": {
        "verdict": "approve",
        "comment": "c",
        "subjects": [{"subject": "release", "subject_id": 1, "change_digest": "0" * 64}],
    },
    "/flows": {"spec": FLOW, "revision": 1},
    "/flows/preview": {"spec": FLOW},
    "/flows/order": {"ids": [1]},
    "/flows/1": {"spec": FLOW, "revision": 1},
    "/flows/delete": {"ids": [1]},
    "/flows/enabled": {"ids": [1], "enabled": True},
    "/flows/1/enabled": {"enabled": True},
    "/deputies": {
        "person": "reviewer",
        "deputy": "author",
        "starts_at": "2026-01-01T00:00:00Z",
        "ends_at": "2026-02-01T00:00:00Z",
    },
    "/exports": {"names": ["etl"], "tag": "t"},
    "/exports/match": {"names": ["etl"], "tag": "t"},
    "/imports": {"file_name": "orders.dagbundle", "file_size": 10, "sha256": "0" * 64},
    "/imports/1/preflight": {"folder": "plant_a", "names": {"pool": {"etl": "small"}}, "take_over": False},
    "/imports/1/apply": {
        "mode": "release",
        "title": "t",
        "description": "d",
        "reviewers": ["reviewer"],
        "run_after_release": False,
        "scheduled_at": "2026-01-01T00:00:00Z",
        "at_least_level": 1,
        "soak_minutes": 0,
    },
    "/imports/1/placeholders": {"connections": ["warehouse"], "variables": ["region"], "pools": ["etl"]},
    "/watch": {"known": {"release:1": "s"}, "wait": 0},
}
LONG = "x" * 100_000


def verb(path: str) -> str:
    """The method that takes the body of :data:`BODIES`."""
    changed = {"/flows/1", "/flows/order", "/notices/ways", "/releases/1/comments/1"}
    return "PUT" if path in changed else "POST"


HOSTILE = [
    "\x00",
    "a\x00b",
    "\ud800",
    LONG,
    "../../etc/passwd",
    "'; drop table release; --",
    "💥",
    "",
]


def test_every_body_is_in_the_table() -> None:
    taken = {
        path
        for path, operations in the_app().openapi()["paths"].items()
        if any("application/json" in str(operation.get("requestBody")) for operation in operations.values())
    }

    assert {filled(path.removeprefix(API), "1") for path in taken} == {*BODIES}


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_field_is_refused(empty_world: World, path: str) -> None:
    response = empty_world.as_("admin").request(verb(path), path, json={**BODIES[path], "surprise": 1})

    assert error_of(response) == (422, "invalid_request")
    assert response.json()["detail"][0]["loc"][-1] == "surprise"


@pytest.mark.parametrize("path", BODIES)
def test_a_value_of_another_type_is_refused(empty_world: World, path: str) -> None:
    client = empty_world.as_("admin")
    for name in BODIES[path]:
        response = client.request(verb(path), path, json={**BODIES[path], name: {"not": ["this"]}})
        assert error_of(response) == (422, "invalid_request"), name


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"\\ud800"', b"1e999"])
@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_is_no_object_is_refused(empty_world: World, path: str, content: bytes) -> None:
    response = empty_world.as_("admin").request(
        verb(path), path, content=content, headers={"Content-Type": "application/json"}
    )

    assert error_of(response) in {(422, "invalid_request"), (400, "invalid_request")}


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the texts of a body are."""
    if isinstance(value, str):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in texts_in(item, (*path, key))]


def replaced(value: Any, path: tuple[Any, ...], text: str) -> Any:
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], text)
    return copy


@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("route", BODIES)
def test_no_text_in_a_body_breaks_the_server(world: World, route: str) -> None:
    release = world.request(world.submit())
    assert release["id"] == 1
    world.gate()
    for path in texts_in(BODIES[route]):
        for text in HOSTILE:
            body = json_text(replaced(BODIES[route], path, text))
            response = world.as_("admin").request(
                verb(route), route, content=body, headers={"Content-Type": "application/json"}
            )
            assert response.status_code < 500, (path, text[:20], response.text[:500])


def json_text(value: Any) -> bytes:
    import json

    return json.dumps(value, ensure_ascii=True).encode()


NUMBERS = [-1, 0, 2**31, 2**63, 10**30, float("nan"), float("inf"), 1.5]


@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("route", BODIES)
def test_no_number_in_a_body_breaks_the_server(world: World, route: str) -> None:
    world.request(world.submit())
    world.gate()
    for name in BODIES[route]:
        for number in NUMBERS:
            for value in (number, [number], {"k": number}):
                body = json_text({**BODIES[route], name: value})
                response = world.as_("admin").request(
                    verb(route), route, content=body, headers={"Content-Type": "application/json"}
                )
                assert response.status_code < 500, (name, value, response.text[:500])


@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize(
    "facts",
    [{"k": "a\x00b"}, {"a\x00b": 1}, {"k": ["\ud800"]}, {"k": float("nan")}, {"k": {"k": [float("inf")]}}],
)
def test_facts_of_a_report_that_no_database_keeps_are_refused(world: World, facts: dict[str, Any]) -> None:
    release = world.request(world.submit())
    items = [{"name": "n", "status": "passed", "facts": facts}]
    body = json_text({"kind": "check", "attempt": 1, "items": items})

    response = world.as_("admin").post(
        f"/releases/{release['id']}/reports", content=body, headers={"Content-Type": "application/json"}
    )

    assert error_of(response) == (422, "invalid_request")


@pytest.mark.parametrize("depth", [30, 900, 5000])
def test_a_body_without_bottom_is_refused(world: World, depth: int) -> None:
    body = '{"kind":"check","attempt":1,"items":[{"name":"n","status":"passed","facts":{"k":%s%s}}]}'
    text = body % ("[" * depth, "]" * depth)

    response = world.as_("admin").post(
        "/releases/1/reports", content=text, headers={"Content-Type": "application/json"}
    )

    assert response.status_code in {400, 422}


def test_a_time_without_zone_is_refused(world: World) -> None:
    body = {**BODIES["/gates"], "data_interval_start": "2026-03-02T09:00:00"}

    assert error_of(world.as_("admin").post("/gates", json=body)) == (422, "invalid_request")


QUERIES = ["%00", "a%00b", "%ED%A0%80", "x" * 5000, "%25_%5C", "'%22;--", "", "-", "-nonsense"]


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_no_query_breaks_the_server(world: World) -> None:
    world.request(world.submit())
    client = world.as_("admin")
    for path, operations in the_app().openapi()["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                for text in QUERIES:
                    url = f"{filled(path.removeprefix(API), '1')}?{parameter['name']}={text}"
                    response = client.get(url)
                    assert response.status_code < 500, (url[:200], response.text[:500])


@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("text", ["%00", "a%00b", "%ED%A0%80", "x" * 5000])
def test_no_name_in_a_path_breaks_the_server(empty_world: World, text: str) -> None:
    client = empty_world.as_("admin")

    for url in (
        f"/environments/{text}",
        f"/environments/{text}/dags",
        f"/environments/{text}/verify",
        f"/environments/prod/dags/{text}/history",
    ):
        assert client.get(url).status_code < 500


@pytest.mark.parametrize("number", ["-1", "99999999999999999999", "1.5", "x", "9223372036854775808"])
@pytest.mark.parametrize("name", ["limit", "offset", "after"])
def test_no_number_of_a_page_breaks_the_server(empty_world: World, name: str, number: str) -> None:
    for path in ("/events", "/releases", "/submissions", "/gates", "/candidates"):
        assert empty_world.as_("admin").get(f"{path}?{name}={number}").status_code < 500


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_every_error_has_the_one_shape(empty_world: World, method: str, path: str) -> None:
    response = empty_world.client().request(method, filled(path, "1"), json=body_of(path))

    assert response.status_code == 401
    assert sorted(response.json()) == ["context", "detail", "error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, "not_found"), ("PUT", "/me", 405, "invalid_request")],
)
def test_a_url_that_is_no_route_has_the_shape_too(
    empty_world: World, method: str, path: str, status: int, code: str
) -> None:
    response = empty_world.as_("admin").request(method, path)

    assert error_of(response) == (status, code)


def test_what_nobody_foresaw_has_the_shape_and_says_nothing_of_the_inside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starlette.testclient import TestClient

    from airflow_release_plugin.services.runtime import audit

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is secret")

    monkeypatch.setattr(audit, "list_events", broken)
    client = TestClient(
        the_app(),
        base_url=f"http://testserver{API}",
        headers={"Authorization": f"Bearer {world.token('admin')}"},
        raise_server_exceptions=False,
    )

    response = client.get("/events")

    assert error_of(response) == (500, "release_error")
    assert "secret" not in response.text
