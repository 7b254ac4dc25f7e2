"""Talking about a release over REST, with both auth managers."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.discussion.words import MAX_LETTERS
from tests.db.api.world import MANAGERS, World, error_of, ok

pytestmark = [pytest.mark.req("R91"), pytest.mark.parametrize("manager", MANAGERS)]
NOTIFIED = {
    "name": "Told",
    "kind": "promotion",
    "levels": [{"name": "One", "steps": [{"name": "Reviewers", "roles": ["op", "Op"]}]}],
    "notifiers": [
        {"notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", "kwargs": {"to": "a@b.org"}}
    ],
}


def test_a_discussion_from_the_first_word_to_the_last(world: World) -> None:
    release = world.awaiting()
    path = f"/releases/{release['id']}"
    author, reviewer, admin = world.as_("author"), world.as_("reviewer"), world.as_("admin")

    said = ok(reviewer.post(f"{path}/comments", json={"text": "Looks fine, but:"}))["comment"]
    ok(reviewer.put(f"{path}/comments/{said['id']}", json={"text": "Looks good, but:"}))
    opened = ok(
        reviewer.post(f"{path}/threads", json={"path": "etl.py", "line": 2, "text": "Why <b>here</b>?"})
    )["comment"]
    thread = f"{path}/threads/{opened['thread_id']}"
    answer = ok(author.post(f"{thread}/comments", json={"text": "Because."}))["comment"]
    assert error_of(author.put(f"{path}/comments/{said['id']}", json={"text": "x"})) == (403, "not_allowed")
    assert error_of(author.delete(f"{path}/comments/{said['id']}")) == (403, "not_allowed")
    assert admin.delete(f"{path}/comments/{answer['id']}").status_code == 204
    assert ok(author.post(f"{thread}/resolve")) == ok(reviewer.post(f"{thread}/resolve"))
    assert ok(reviewer.post(f"{thread}/reopen"))["state"] == "unresolved"

    (comment,) = ok(author.get(f"{path}/comments"))["items"]
    (shown,) = ok(author.get(f"{path}/threads"))["items"]
    assert (comment["text"], [edit["text"] for edit in comment["edits"]]) == (
        "Looks good, but:",
        ["Looks fine, but:"],
    )
    assert (shown["path"], shown["line"], shown["line_now"], shown["state"]) == ("etl.py", 2, 2, "unresolved")
    assert [(each["text"], each["author"]["name"]) for each in shown["comments"]] == [
        ("Why <b>here</b>?", "reviewer"),
        ("", "author"),
    ]
    assert shown["comments"][1]["deleted_by"]["name"] == "admin"
    assert [row["tag"] for row in ok(admin.get(f"{path}/events"))["items"]][-7:] == [
        "release:comment:edit",
        "release:thread:open",
        "release:comment:add",
        "release:comment:add",
        "release:comment:delete",
        "release:thread:resolve",
        "release:thread:reopen",
    ]
    assert ok(author.get(path))["change_digest"] == release["change_digest"]


def test_a_comment_of_a_megabyte_is_refused_with_the_limit(world: World) -> None:
    release = world.awaiting()

    answer = world.as_("author").post(f"/releases/{release['id']}/comments", json={"text": "x" * 2**20})

    assert error_of(answer) == (422, "invalid_request")
    assert str(MAX_LETTERS) in answer.text
    assert len(answer.text) < 5000


def test_only_who_may_see_the_release_is_told(world: World) -> None:
    ok(world.as_("admin").post("/flows", json={"spec": NOTIFIED, "revision": 0}))
    release = world.awaiting()
    if world.manager == "fab":
        from airflow.providers.fab.auth_manager.models import User

        with world.session() as session:
            session.query(User).filter_by(username="viewer").one().roles = []
            session.commit()

    body = {"text": "@author2 @viewer @stranger @pipeline"}
    answer = ok(world.as_("reviewer").post(f"/releases/{release['id']}/comments", json=body))

    unseen = ["viewer"] if world.manager == "fab" else []
    assert answer["told"] == ["author2", *([] if unseen else ["viewer"])]
    assert sorted(each["name"] for each in answer["untold"]) == sorted(["pipeline", "stranger", *unseen])
