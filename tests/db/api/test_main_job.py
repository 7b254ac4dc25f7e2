"""A DAG goes from the source to the target over REST, on both auth managers and both databases."""

from __future__ import annotations

import pytest

from tests.conftest import BACKENDS
from tests.db.api.world import MANAGERS, World, ok


@pytest.mark.req("R2", "R8", "R10", "R72")
@pytest.mark.parametrize("db_backend", BACKENDS)
@pytest.mark.parametrize("manager", MANAGERS)
def test_a_dag_goes_from_dev_to_prod_after_another_person_approved_it(world: World) -> None:
    (row,) = ok(world.as_("author").get("/candidates"))["items"]
    assert (row["path"], row["dag_ids"], row["source_dag_ids"]) == ("etl.py", ["etl"], ["dev.etl"])

    submission = world.submit()
    assert submission["snapshot"]["left_out_count"] == len(submission["snapshot"]["left_out"])
    assert "etl.py" in world.git("ls-tree", "-r", "--name-only", submission["snapshot"]["tree_id"])
    release = world.request(submission)
    assert release["state"] == "checking"

    release = world.report(release)
    assert (release["state"], release["approval"]["why_not"] is not None) == ("awaiting_approval", True)

    (waiting,) = ok(world.as_("reviewer").get("/approvals"))["items"]
    assert waiting["change_digest"] == release["change_digest"]
    assert ok(world.decide(release))["state"] == "approved"

    promoted = ok(world.promote(release))
    assert promoted["state"] == "released"
    assert world.git("show", "prod:etl.py") == (world.source / "etl.py").read_text().strip()
    assert world.git("rev-parse", "prod") == promoted["commit"]
    assert ok(world.as_("author").get("/candidates"))["items"] == []
    (live,) = ok(world.as_("viewer").get("/environments/prod/dags"))["items"]
    assert (live["dag_id"], live["version"], live["commit"]) == ("etl", 1, promoted["commit"])
