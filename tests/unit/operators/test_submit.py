from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.operators.submit import RequestReleaseOperator, SubmitDagOperator
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import PREFIX, SUBMISSION, Answer, release


@pytest.mark.req("R70")
def test_submitting_gives_the_number_of_the_submission(server):
    server.script("POST", "/submissions", SUBMISSION)
    assert SubmitDagOperator(task_id="t", path="a.py", comment="new").execute(context()) == 5
    assert server.called(f"{PREFIX}/submissions")[0].body == {"path": "a.py", "comment": "new"}


def test_submitting_what_is_submitted_already_fails_for_good(server):
    server.script(
        "POST", "/submissions", Answer(409, {"error": "unchanged", "detail": "'a.py' is unchanged."})
    )
    with pytest.raises(AirflowFailException, match="unchanged"):
        SubmitDagOperator(task_id="t", path="a.py").execute(context())


@pytest.mark.req("R70")
@pytest.mark.parametrize("ids", [[5, 6], ["5", "6"], "5, 6", "[5, 6]", "['5', '6']", (5, 6)])
def test_requesting_a_release_takes_ids_as_templates_and_xcoms_give_them(server, ids):
    server.script("POST", "/releases", release())
    ti = TaskInstance()
    operator = RequestReleaseOperator(task_id="t", title="T", submission_ids=ids, reviewers=["bob"])
    assert operator.execute(context(ti)) == 7
    assert server.called(f"{PREFIX}/releases")[0].body["submission_ids"] == [5, 6]
    assert ti.xcoms == {"_link_ReleaseLink": "/release/ui/releases/7"}


def test_single_submission_needs_no_list(server):
    server.script("POST", "/releases", release())
    RequestReleaseOperator(task_id="t", title="T", submission_ids=5, reviewers="bob").execute(context())
    body = server.called(f"{PREFIX}/releases")[0].body
    assert (body["submission_ids"], body["reviewers"]) == ([5], ["bob"])


def test_values_that_cannot_be_sent_fail_for_good(server):
    with pytest.raises(AirflowFailException, match="title"):
        RequestReleaseOperator(task_id="t", title=" ", submission_ids=5, reviewers=["b"]).execute(context())
