"""What goes wrong in the main job: a clear error, and nothing lost or half done."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.models import StoredRef
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.database import database_store
from tests.conftest import BACKENDS
from tests.db.api.world import SERVICE, World, error_of, ok
from tests.harness.manual_edits import push_by_hand


def message(response: Any) -> str:
    return str(response.json()["detail"])


def submitted(world: World) -> int:
    return int(ok(world.as_("admin").get("/submissions"))["total_entries"])


class TestSubmitting:
    @pytest.fixture(autouse=True)
    def _nothing_is_left_behind(self, world: World) -> Any:
        self.before = submitted(world)
        yield
        assert submitted(world) == self.before

    def test_a_syntax_error_is_named_with_its_line(self, world: World) -> None:
        world.write("etl.py", "from airflow.sdk import DAG\ndef broken(:\n")
        world.parse()

        response = world.as_("author").post("/submissions", json={"path": "etl.py"})

        assert error_of(response) == (422, "unit_error")
        assert "etl.py" in message(response)
        assert "line 2" in message(response)

    def test_an_import_error_is_named_with_the_next_step(self, world: World) -> None:
        world.write("etl.py", "from airflow.sdk import DAG\nimport no_such_module\n")
        world.parse()

        response = world.as_("author").post("/submissions", json={"path": "etl.py"})

        assert error_of(response) == (422, "invalid_request")
        assert "no_such_module" in message(response)
        assert "submit again" in message(response)

    def test_a_file_that_is_not_parsed_yet_has_to_wait(self, world: World) -> None:
        world.write_dag("later.py", "later")

        response = world.as_("author").post("/submissions", json={"path": "later.py"})

        assert error_of(response) == (409, "conflict")
        assert "Wait for the dag processor" in message(response)

    def test_a_file_that_was_deleted_since_the_list_was_read(self, world: World) -> None:
        (row,) = ok(world.as_("author").get("/candidates"))["items"]
        (world.source / "etl.py").unlink()

        response = world.as_("author").post("/submissions", json={"path": row["path"]})

        assert error_of(response) == (404, "not_found")
        assert "'etl.py'" in message(response)
        assert "Reload the list" in message(response)

    @pytest.mark.parametrize(
        "path", ["../airflow.cfg", "/etc/passwd", "no.py", "dev/../etl.py", ".", "etl.py/", "ETL.PY"]
    )
    def test_a_path_that_is_no_dag_file_of_the_source(self, world: World, path: str) -> None:
        response = world.as_("author").post("/submissions", json={"path": path})

        assert error_of(response) == (404, "not_found")

    @pytest.mark.parametrize("break_it", [shutil.rmtree, lambda folder: _a_file_instead(folder)])
    def test_a_source_that_cannot_be_read(self, world: World, break_it: Callable[[Path], None]) -> None:
        break_it(world.source)

        for response in (
            world.as_("author").post("/submissions", json={"path": "etl.py"}),
            world.as_("author").get("/candidates"),
        ):
            assert error_of(response) == (503, "source_unavailable")
            assert "'dev'" in message(response)

    def test_a_bundle_that_is_not_configured(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_BUNDLE", "elsewhere")

        response = world.as_("author").get("/candidates")

        assert error_of(response) == (503, "source_unavailable")
        assert "[release] source_bundle" in message(response)


def test_a_syntax_error_shows_in_the_list(world: World) -> None:
    world.submit()
    world.write("etl.py", "from airflow.sdk import DAG\ndef broken(:\n")
    world.parse()

    (row,) = ok(world.as_("author").get("/candidates"))["items"]

    assert "line 2" in row["problem"]


def _a_file_instead(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


@pytest.mark.parametrize("what", ["waits", "is in the target"])
def test_an_unchanged_dag_is_refused(world: World, what: str) -> None:
    if what == "waits":
        world.submit()
    else:
        world.released()

    response = world.as_("author2").post("/submissions", json={"path": "etl.py"})

    assert error_of(response) == (409, "unchanged")
    assert "v1" in message(response)
    assert submitted(world) == 1


class TestDeciding:
    def test_a_digest_that_is_not_current_is_refused(self, world: World) -> None:
        release = world.awaiting()

        response = world.decide({**release, "change_digest": "0" * 64})

        assert error_of(response) == (409, "stale_digest")
        assert response.json()["context"]["current"] == release["change_digest"]
        assert world.state(release) == "awaiting_approval"

    @pytest.mark.parametrize(
        ("step", "answer"),
        [(1, (409, "conflict")), (-1, (422, "invalid_request")), (2**40, (422, "invalid_request"))],
    )
    def test_a_step_that_does_not_wait_is_refused(
        self, world: World, step: int, answer: tuple[int, str]
    ) -> None:
        release = world.awaiting()
        body = {"verdict": "approve", "change_digest": release["change_digest"], "step": step}

        assert (
            error_of(world.as_("reviewer").post(f"/releases/{release['id']}/decisions", json=body)) == answer
        )
        assert world.state(release) == "awaiting_approval"

    @pytest.mark.parametrize(
        ("who", "answer"),
        [
            ("author", (403, "self_approval")),
            (SERVICE, (403, "not_allowed")),
            ("viewer", (403, "not_allowed")),
        ],
    )
    def test_who_may_not_decide_is_told_so(self, world: World, who: str, answer: tuple[int, str]) -> None:
        release = world.awaiting()

        response = world.decide(release, who)

        assert error_of(response) == answer
        assert f"'{who}'" in message(response)
        assert world.state(release) == "awaiting_approval"

    def test_a_service_user_never_approves_even_with_the_role(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = world.awaiting()
        gate = world.gate()
        monkeypatch.setenv("AIRFLOW__RELEASE__SERVICE_USERS", f"{SERVICE},admin")
        body = {"verdict": "approve", "change_digest": gate["change_digest"]}

        assert error_of(world.decide(release, "admin")) == (403, "not_allowed")
        signed = world.as_("admin").post(f"/gates/{gate['id']}/decisions", json=body)
        assert error_of(signed) == (403, "not_allowed")
        assert "service users never approve" in message(signed)

    def test_an_approval_after_a_revoke_is_refused(self, world: World) -> None:
        release = world.awaiting()
        ok(world.as_("author").post(f"/releases/{release['id']}/revoke", json={"reason": "wrong file"}))

        response = world.decide(release)

        assert error_of(response) == (409, "conflict")
        assert "withdrawn" in message(response)
        assert world.state(release) == "revoked"

    def test_an_approval_before_the_check_is_refused(self, world: World) -> None:
        release = world.request(world.submit())

        assert error_of(world.decide(release)) == (409, "conflict")
        assert world.state(release) == "checking"

    @pytest.mark.parametrize("db_backend", BACKENDS)
    def test_two_people_at_the_same_moment_give_one_approval(self, world: World) -> None:
        release = world.awaiting()
        answers = together(lambda who: world.decide(release, who), ["reviewer", "reviewer2", "admin"])

        found = ok(world.as_("viewer").get(f"/releases/{release['id']}/decisions"))
        assert sorted(response.status_code for response in answers) == [200, 409, 409]
        assert (found["total_entries"], world.state(release)) == (1, "approved")

    @pytest.mark.parametrize("db_backend", BACKENDS)
    def test_a_revoke_and_an_approval_at_the_same_moment_end_in_one_of_the_two(self, world: World) -> None:
        release = world.awaiting()

        def act(who: str) -> Any:
            if who == "author":
                return world.as_(who).post(f"/releases/{release['id']}/revoke", json={"reason": "no"})
            return world.decide(release, who)

        answers = together(act, ["author", "reviewer"])

        assert {response.status_code for response in answers} <= {200, 409}
        approval = ok(world.as_("admin").get(f"/releases/{release['id']}"))["approval"]["state"]
        assert (world.state(release), approval) in {("revoked", "withdrawn"), ("approved", "approved")}


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_two_people_who_submit_at_the_same_moment_give_one_version(world: World) -> None:
    answers = together(
        lambda who: world.as_(who).post("/submissions", json={"path": "etl.py"}), ["author", "author2"]
    )

    assert sorted(response.status_code for response in answers) == [201, 409]
    assert submitted(world) == 1


@pytest.mark.parametrize("db_backend", BACKENDS)
def test_two_promotions_at_the_same_moment_make_one_commit(world: World) -> None:
    release = world.awaiting()
    ok(world.decide(release))

    headers = {SERVICE: world.claim(release, TaskRole.PROMOTE), "admin": {}}

    answers = together(
        lambda who: world.as_(who).post(f"/releases/{release['id']}/promote", headers=headers[who]),
        [*headers],
    )

    assert {response.status_code for response in answers} <= {200, 409}
    assert ok(world.promote(release))["commit"] == world.git("rev-parse", "prod")
    assert world.git("rev-list", "--count", "prod") == "1"


def together(act: Callable[[str], Any], people: list[str]) -> list[Any]:
    """What each gets when all act at the same moment."""
    gate = threading.Barrier(len(people))
    answers: dict[str, Any] = {}

    def run(who: str) -> None:
        gate.wait()
        answers[who] = act(who)
        while answers[who].status_code == 503:  # SQLite lets one writer in: "Nothing was changed; try again."
            answers[who] = act(who)

    threads = [threading.Thread(target=run, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[who] for who in people]


class TestTargetMovedByHand:
    def move(self, world: World) -> str:
        """Put a commit of somebody's own on the target branch, past the product."""
        with world.session() as session:
            commit = push_by_hand(database_store(session), "hot_fix.py", "x = 1\n")
            session.commit()
        return commit

    def delete(self, world: World) -> None:
        """Take the target branch away, past the product."""
        with world.session() as session:
            session.execute(delete(StoredRef).where(StoredRef.name == environment_ref("prod")))
            session.commit()

    def second(self, world: World) -> dict[str, Any]:
        """A release on top of the first that is approved."""
        world.write_dag(task="two")
        world.parse()
        release = world.awaiting()
        ok(world.decide(release))
        return release

    def test_nothing_is_promoted_until_an_admin_puts_it_back(self, world: World) -> None:
        first = world.released()
        release = self.second(world)
        commit = self.move(world)

        refused = world.promote(release)

        assert error_of(refused) == (409, "target_moved")
        assert "environments/prod/restore" in message(refused)
        assert (world.git("rev-parse", "prod"), world.state(release)) == (commit, "approved")
        assert ok(world.as_("viewer").get("/environments/prod"))["moved"]

        restored = ok(world.as_("admin").post("/environments/prod/restore"))
        assert (restored["commit"], restored["moved"]) == (first["target_commit"], False)
        assert ok(world.promote(release))["state"] == "released"
        assert "by hand" not in world.git("log", "--format=%s", "prod")

    def test_a_branch_that_was_deleted_is_put_back_too(self, world: World) -> None:
        first = world.released()
        release = self.second(world)
        self.delete(world)

        assert error_of(world.promote(release)) == (409, "target_moved")
        ok(world.as_("admin").post("/environments/prod/restore"))

        assert world.git("rev-parse", "prod") == first["target_commit"]
        assert ok(world.promote(release))["state"] == "released"

    def test_a_branch_made_by_hand_before_the_first_release_is_refused(self, world: World) -> None:
        release = world.awaiting()
        ok(world.decide(release))
        self.move(world)

        assert error_of(world.promote(release)) == (409, "target_moved")
        assert error_of(world.as_("admin").post("/environments/prod/restore")) == (409, "conflict")
        self.delete(world)
        assert ok(world.promote(release))["state"] == "released"


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "yesterday"])
def test_a_time_without_a_zone_is_refused(world: World, moment: str) -> None:
    response = world.as_("author").get("/releases", params={"released_after": moment})

    assert response.status_code == 422


@pytest.mark.parametrize("path", ["/releases", "/candidates"])
@pytest.mark.parametrize("order", ["colour", "--path", "-", "path,number"])
def test_an_unknown_order_is_refused_with_the_possible_ones(world: World, path: str, order: str) -> None:
    response = world.as_("author").get(path, params={"order_by": order})

    assert error_of(response) == (422, "invalid_request")
    assert "requested_at" in message(response) or "submitted_at" in message(response)
