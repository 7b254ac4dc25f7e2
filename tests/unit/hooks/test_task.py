from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_release_plugin.hooks.task import require_waited


def event(status, error_type):
    return {"status": status, "state": "", "error_type": error_type, "message": "so it was"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_authenticated", AirflowFailException),
        ("not_found", AirflowFailException),
        ("not_allowed", AirflowFailException),
        ("unavailable", AirflowException),
        ("release_error", AirflowException),
    ],
)
def test_a_wait_that_broke_is_tried_again_only_where_that_may_help(code, kind):
    with pytest.raises(AirflowException, match="so it was") as raised:
        require_waited(event("error", code))

    assert type(raised.value) is kind


@pytest.mark.parametrize(("status", "error_type"), [("success", ""), ("error", "refused")])
def test_an_answer_is_no_broken_wait(status, error_type):
    require_waited(event(status, error_type))
