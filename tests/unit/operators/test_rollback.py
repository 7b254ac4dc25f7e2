from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.operators.rollback import RollbackReleaseOperator
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import PREFIX, Answer, plan, release

pytestmark = pytest.mark.req("R70")


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ({"rollback_dag_id": "a", "version": "1"}, {"dag_id": "a", "version": 1}),
        ({"undo_release_id": 6}, {"release_id": 6}),
        ({"after_release_id": "6"}, {"after_release_id": 6}),
        ({"retire": "a, b"}, {"retire": ["a", "b"]}),
    ],
)
def test_exactly_the_plan_that_was_looked_at_is_requested(server, asked, scope):
    server.script("POST", "/rollbacks/preview", plan())
    server.script("POST", "/rollbacks", release())
    ti = TaskInstance()

    assert RollbackReleaseOperator(task_id="t", reviewers=["bob"], **asked).execute(context(ti)) == 7

    sent = server.called(f"{PREFIX}/rollbacks")[0].body
    assert (sent["digest"], sent["reviewers"]) == ("1" * 64, ["bob"])
    assert {name: sent[name] for name in scope} == scope
    assert ti.xcoms == {"_link_ReleaseLink": "/release/ui/releases/7"}


def test_what_the_server_refuses_fails_for_good_with_its_reason(server):
    answer = Answer(409, {"error": "conflict", "detail": "nothing to do"})
    server.script("POST", "/rollbacks/preview", answer)

    with pytest.raises(AirflowFailException, match="nothing to do"):
        RollbackReleaseOperator(task_id="t", reviewers="bob", undo_release_id=6).execute(context())


def test_a_number_that_is_none_fails_for_good(server):
    with pytest.raises(AirflowFailException, match="undo_release_id is 'x'"):
        RollbackReleaseOperator(task_id="t", reviewers="bob", undo_release_id="x").execute(context())
