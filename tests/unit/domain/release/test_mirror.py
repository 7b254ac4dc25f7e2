"""What is pushed to a mirror, and what is left alone because it is somebody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_release_plugin.domain.release.mirror import MovedRef, PushPlan, masked, pause_after, plan_push

pytestmark = pytest.mark.req("R87")
PROD, TAG = "refs/heads/prod", "refs/tags/R-000001"
HISTORY = ["c4", "c3", "c2", "c1"]
"""The branch, newest first."""


def age(ref: str, commit: str) -> int | None:
    return HISTORY.index(commit) if ref == PROD and commit in HISTORY else None


def plan(
    remote: dict[str, str], pushed: str = "", overwrite: dict[str, str] | None = None, tag: str = "c1"
) -> PushPlan:
    return plan_push(
        {PROD: "c4", TAG: tag},
        remote,
        pushed={PROD: pushed} if pushed else {},
        age=age,
        overwrite=overwrite or {},
    )


@pytest.mark.parametrize("pushed", ["", "c2", "c3"])
@pytest.mark.parametrize("found", ["c3"])
def test_what_is_ours_is_moved_on(found: str, pushed: str) -> None:
    """Also past what was noted: a server may have died after its push."""
    assert plan({PROD: found, TAG: "c1"}, pushed) == PushPlan({PROD: "c4"})


def test_an_empty_mirror_gets_everything() -> None:
    assert plan({}) == PushPlan({PROD: "c4", TAG: "c1"})


def test_a_mirror_that_has_everything_gets_nothing() -> None:
    assert plan({PROD: "c4", TAG: "c1", "refs/heads/main": "x1", "refs/tags/v1": "x1"}, "c4") == PushPlan()


@pytest.mark.parametrize("pushed", ["", "c3", "c4"])
def test_what_nobody_here_knows_stops_everything(pushed: str) -> None:
    found = plan({PROD: "x9"}, pushed)

    assert found == PushPlan({}, (MovedRef(PROD, "x9", "c4"),))


def test_a_tag_that_is_elsewhere_stops_everything_even_if_its_commit_is_ours() -> None:
    assert plan({PROD: "c3", TAG: "c2"}, "c3") == PushPlan({}, (MovedRef(TAG, "c2", "c1"),))


def test_only_what_was_given_up_is_overwritten() -> None:
    assert plan({PROD: "x9", TAG: "c1"}, "c3", {PROD: "x9"}) == PushPlan({PROD: "c4"})
    assert plan({PROD: "x10", TAG: "c1"}, "c3", {PROD: "x9"}).moved == (MovedRef(PROD, "x10", "c4"),)


@pytest.mark.parametrize(("found", "pushed"), [("", "c3"), ("c1", "c3"), ("c2", "c4"), ("", "c4")])
def test_what_somebody_deleted_or_moved_back_is_put_back_and_said(found: str, pushed: str) -> None:
    remote = {TAG: "c1"} | ({PROD: found} if found else {})

    assert plan(remote, pushed) == PushPlan({PROD: "c4"}, (), (MovedRef(PROD, found, "c4"),))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:s3cret@git.example.org/a.git", "https://ada:***@git.example.org/a.git"),
        ("https://ada:s3@cr:et@git.example.org/a.git", "https://ada:***@git.example.org/a.git"),
        ("https://t0ken@git.example.org/a.git", "https://***@git.example.org/a.git"),
        ("https://:s3cret@git.example.org/a.git", "https://:***@git.example.org/a.git"),
        ("https://git.example.org:8443/a@b:c.git", "https://git.example.org:8443/a@b:c.git"),
        ("ssh://git@git.example.org/a.git", "ssh://git@git.example.org/a.git"),
        ("git@git.example.org:a.git", "git@git.example.org:a.git"),
        ("/srv/mirror.git", "/srv/mirror.git"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [pause_after(failures) for failures in (1, 2, 3, 100_000)]

    assert pauses[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(minutes=1)]
    assert pauses[3] == timedelta(minutes=10)
