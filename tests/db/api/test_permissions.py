"""FAB's rights on single DAGs decide who sees which row."""

from __future__ import annotations

import pytest

from tests.db.api.world import World, error_of, fab_permissions, new_fab_user, ok

pytestmark = pytest.mark.req("R36", "R72")


@pytest.fixture
def manager() -> str:
    return "fab"


@pytest.fixture
def two(world: World) -> World:
    """Two DAGs; everybody but ``nobody`` may read ``etl``, in the source or in the target."""
    from airflow.providers.fab.auth_manager.models import Role

    world.write_dag("secret.py", "secret")
    world.parse()
    granted = {
        "reader": [("can_read", "DAG:dev.etl")],
        "coder": [("can_read", "DAG:dev.etl"), ("can_read", "DAG Code")],
        "editor": [("can_read", "DAG:dev.etl"), ("can_edit", "DAG:dev.etl"), ("can_read", "DAG Code")],
        "target_reader": [("can_read", "DAG:etl")],
        "nobody": [],
    }
    with world.session() as session:
        for name, pairs in granted.items():
            role = Role(name=f"only {name}", permissions=fab_permissions(session, pairs))
            session.add_all([role, new_fab_user(name, [role])])
            session.commit()
    return world


SEEN = {
    "reader": ["etl.py"],
    "coder": ["etl.py"],
    "editor": ["etl.py"],
    "target_reader": ["etl.py"],
    "nobody": [],
}


@pytest.mark.parametrize("who", SEEN)
def test_people_see_the_rows_of_dags_that_they_may_read(two: World, who: str) -> None:
    found = ok(two.as_(who).get("/candidates"))
    assert [row["path"] for row in found["items"]] == SEEN[who]

    for path in ("etl.py", "secret.py"):
        two.submit(path)
    submissions = ok(two.as_(who).get("/submissions"))
    assert [row["path"] for row in submissions["items"]] == SEEN[who]
    assert submissions["total_entries"] == len(SEEN[who])


@pytest.mark.parametrize("who", SEEN)
def test_what_may_not_be_read_does_not_exist(two: World, who: str) -> None:
    secret = two.awaiting("secret.py")
    client = two.as_(who)
    submission = secret["items"][0]["submission_id"]
    gate = two.gate("secret")

    assert ok(client.get("/releases"))["items"] == []
    assert ok(client.get("/gates"))["items"] == []
    for path in (
        f"/releases/{secret['id']}",
        f"/releases/{secret['id']}/diff",
        f"/releases/{secret['id']}/events",
        f"/releases/{secret['id']}/trials",
        f"/releases/{secret['id']}/decisions",
        f"/submissions/{submission}",
        f"/submissions/{submission}/diff",
        f"/submissions/{submission}/trials",
        f"/gates/{gate['id']}",
        "/environments/prod/dags/secret/history",
    ):
        assert error_of(client.get(path)) == (404, "not_found"), path
    assert error_of(two.decide(secret, who)) == (404, "not_found")
    assert error_of(client.post("/submissions", json={"path": "secret.py"})) == (403, "not_allowed")
    assert error_of(client.delete(f"/submissions/{submission}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("who", "status"), [("reader", 403), ("target_reader", 403), ("coder", 200), ("editor", 200)]
)
def test_code_needs_the_right_to_read_code(two: World, who: str, status: int) -> None:
    release = two.awaiting()
    submission = release["items"][0]["submission_id"]
    client = two.as_(who)

    assert client.get(f"/releases/{release['id']}").status_code == 200
    for path in (
        f"/releases/{release['id']}/diff",
        f"/submissions/{submission}/diff",
        "/candidates/closure?path=etl.py",
    ):
        assert client.get(path).status_code == status, path


@pytest.mark.parametrize(("who", "status"), [("reader", 403), ("coder", 403), ("editor", 201)])
def test_submitting_needs_the_right_to_edit(two: World, who: str, status: int) -> None:
    assert two.as_(who).post("/submissions", json={"path": "etl.py"}).status_code == status


def test_nobody_releases_what_they_may_not_edit(two: World) -> None:
    secret = two.submit("secret.py")
    body = {"title": "t", "submission_ids": [secret["id"]], "reviewers": ["reviewer"]}

    response = two.as_("editor").post("/releases", json=body)

    assert response.status_code in {403, 404}
    assert ok(two.as_("admin").get("/releases"))["total_entries"] == 0


def test_a_release_with_one_readable_dag_tells_no_code_of_the_other(two: World) -> None:
    release = two.report(two.request(two.submit("etl.py"), two.submit("secret.py")))

    assert two.as_("coder").get(f"/releases/{release['id']}").status_code == 200
    assert error_of(two.as_("coder").get(f"/releases/{release['id']}/diff")) == (403, "not_allowed")


def test_closure_of_an_unreadable_file_is_closed(two: World) -> None:
    assert two.as_("coder").get("/candidates/closure?path=secret.py").status_code in {403, 404}
    two.write("unparsed.py", "from airflow.sdk import DAG\nPASSWORD = 1\n")
    assert error_of(two.as_("nobody").get("/candidates/closure?path=unparsed.py")) == (409, "conflict")
