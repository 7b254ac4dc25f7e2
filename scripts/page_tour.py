"""Pages that no picture of the documentation shows, so that all are looked at, with something on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

API = "/release/api/v1"
_FLOW = {
    "name": "Finance",
    "kind": "promotion",
    "remark": "Two people, one of them of finance",
    "scope": {"tags": ["shop"]},
    "levels": [
        {
            "name": "Standard",
            "steps": [
                {"name": "Review", "roles": ["op", "admin"]},
                {"name": "Finance", "users": ["reviewer"]},
            ],
        }
    ],
}


def fill(post: Callable[[str, str, dict[str, Any]], Any], release_id: int) -> int:
    """
    Say something in the discussion of a release, and make a flow.

    :param post: sends a body to a path as a user
    :returns: id of the flow
    """
    release = f"{API}/releases/{release_id}"
    post(
        "reviewer",
        f"{release}/comments",
        {"text": "Why **two** retries, @dev? The shop is slow:\n\n- at night"},
    )
    thread = {
        "path": "etl_orders.py",
        "side": "new",
        "line": 35,
        "text": "Say what happens after the second.",
    }
    made = post("reviewer", f"{release}/threads", thread)
    post(
        "dev",
        f"{release}/threads/{made['comment']['thread_id']}/comments",
        {"text": "It fails, and pages us."},
    )
    flow = post("admin", f"{API}/flows", {"spec": _FLOW, "revision": 0})
    return int(flow["id"])


def pages(release_id: int, flow_id: int) -> Iterator[tuple[str, str]]:
    """Names and paths below our pages; ``release_id`` waits, and release 1 went out."""
    yield from {
        "release-discussion": f"/releases/{release_id}?tab=activity",
        "release-threads": f"/releases/{release_id}?tab=changes",
        "released": "/releases/1",
        "released-activity": "/releases/1?tab=activity",
        "releases-none": "/releases/?search=nothing+is+named+so",
        "submission": "/to-be-released/submissions/1",
        "file": "/to-be-released/file?path=etl_orders.py",
        "shared-files": "/to-be-released/?tab=shared",
        "to-be-released-none": "/to-be-released/?search=nothing+is+named+so",
        "compare": f"/compare/releases/{release_id}?other=1",
        "records": "/records/",
        "history": "/records/dags/etl_orders",
        "environment": "/environment/",
        "insights": "/insights/",
        "notifications": "/notifications/",
        "flows": "/flows/",
        "flow": f"/flows/{flow_id}",
        "flow-builtin": "/flows/builtin",
        "flow-new": "/flows/new",
        "flow-edit": f"/flows/{flow_id}/edit",
        "simulator": "/simulator/?dag_id=etl_orders",
        "reviewers": "/reviewers/",
        "rollback-choose": "/rollbacks/new",
        "rollback": "/rollbacks/new?release_id=1",
        "search": "/search/?q=etl",
        "not-there": "/releases/999",
    }.items()
