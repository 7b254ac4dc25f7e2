"""The first page, emergencies and trials over REST."""

from __future__ import annotations

import pytest

from tests.db.api.world import MANAGERS, World, ok

pytestmark = [pytest.mark.req("R90", "R72"), pytest.mark.parametrize("manager", MANAGERS)]


def test_home_says_to_each_what_their_page_shows(world: World) -> None:
    assert ok(world.as_("author").get("/home"))["is_first_use"]
    release = world.awaiting()

    author, reviewer = (ok(world.as_(who).get("/home")) for who in ("author", "reviewer"))

    assert not author["is_first_use"]
    assert [(row["release"]["id"], row["state"], row["files"]) for row in author["moving"]] == [
        (release["id"], "awaiting_approval", 1)
    ]
    assert author["approvals"] == []
    assert [row["subject_id"] for row in reviewer["approvals"]] == [release["id"]]
    assert reviewer["moving"] == []
    assert author["condition"] == {"is_moved": False, "differences": 0, "looked_at": None}


def test_what_stopped_says_why(world: World) -> None:
    release = world.awaiting()
    ok(world.decide(release, verdict="reject"))

    (row,) = ok(world.as_("author").get("/home"))["stopped"]

    assert (row["release"]["id"], row["state"], row["reason"]) == (
        release["id"],
        "rejected",
        "Rejected by reviewer.",
    )


def test_broken_glass_is_listed_until_and_after_its_review(world: World) -> None:
    release = world.awaiting()
    reason = {"change_digest": release["change_digest"], "reason": "Orders stand still."}
    ok(world.as_("admin").post(f"/releases/{release['id']}/break-glass", json=reason))

    found = ok(world.as_("reviewer").get("/emergencies?state=to_review"))
    (row,) = found["items"]
    assert (row["number"], row["state"], row["may_review"]) == (release["number"], "to_review", True)
    assert [each["id"] for each in ok(world.as_("reviewer").get("/home"))["emergencies"]] == [row["id"]]
    (seen,) = ok(world.as_("author").get("/emergencies"))["items"]
    assert (seen["id"], seen["may_review"]) == (row["id"], False)

    said = {"comment": "It was an emergency."}
    ok(world.as_("reviewer").post(f"/releases/{release['id']}/emergencies/{row['id']}/review", json=said))
    assert ok(world.as_("reviewer").get("/emergencies?state=to_review"))["total_entries"] == 0
    assert [each["state"] for each in ok(world.as_("viewer").get("/emergencies"))["items"]] == ["reviewed"]


def test_that_no_dev_run_tried_a_version_is_said_of_each_of_its_dags(world: World) -> None:
    release = world.awaiting()
    untried = [{"dag_id": "etl", "is_success": False, "read": 0, "run": None}]
    version = release["items"][0]["submission_id"]

    for path in (f"/releases/{release['id']}/trials", f"/submissions/{version}/trials"):
        assert ok(world.as_("author").get(path)) == {
            "items": untried,
            "total_entries": 1,
            "has_uncounted": False,
        }
