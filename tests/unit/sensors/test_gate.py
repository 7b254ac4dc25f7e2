from __future__ import annotations

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from airflow_release_plugin.domain.flow.gate_question import FIELDS, recorded_question
from airflow_release_plugin.sensors.gate import ApprovalGateSensor
from tests.unit.client.context import TaskInstance, context
from tests.unit.client.server import PREFIX, Answer, approval, gate

GATES = f"{PREFIX}/gates"
REJECTED = gate(state="rejected", approval=approval("rejected", (("bob", "reject", "Too early."),)))
SIGNED = gate(
    state="approved", approval=approval("approved", (("bob", "approve", "Fine."), ("cy", "approve", "")))
)


def sensor(**changes):
    return ApprovalGateSensor(**{"task_id": "ask", "title": "Pay out?"} | changes)


def deferred(server, **changes):
    server.script("POST", "/gates", gate())
    with pytest.raises(TaskDeferred) as caught:
        sensor(**changes).execute(context())
    return caught.value


def event(status="success", error_type="", message=""):
    return {"status": status, "state": "", "error_type": error_type, "message": message}


@pytest.mark.req("R37")
def test_open_gate_defers_to_the_trigger(server):
    deferral = deferred(server)
    assert deferral.method_name == "execute_complete"
    assert deferral.kwargs == {"subject": "gate:3"}
    _, arguments = deferral.trigger.serialize()
    assert arguments["subject"] == "gate:3"
    assert arguments["known"] == "open"
    assert arguments["targets"] == ["approved"]
    assert arguments["refusals"] == ["rejected", "expired", "withdrawn"]


def test_gate_names_the_try_the_code_and_the_data(server):
    server.script("POST", "/gates", gate())
    ti = TaskInstance(map_index=4, try_number=2)
    with pytest.raises(TaskDeferred):
        sensor(message="Look.", approvers=["bob"], valid_hours=2).execute(context(ti))
    body = server.called(GATES)[0].body
    assert body == {
        "dag_id": "pay",
        "run_id": "r1",
        "task_id": "ask",
        "map_index": 4,
        "try_number": 2,
        "title": "Pay out?",
        "message": "Look.",
        "valid_hours": 2.0,
        "approvers": ["bob"],
    }
    assert ti.xcoms == {"_link_ReleaseLink_gate": "/release/ui/gates/3"}


def test_values_that_templates_gave_other_types_are_told_as_people_read_them(server):
    deferred(server, title=312, message={"rows": 3}, approvers="bob", valid_hours="1.5")
    body = server.called(GATES)[0].body
    assert (body["title"], body["message"]) == ("312", '{"rows": 3}')
    assert (body["approvers"], body["valid_hours"]) == (["bob"], 1.5)


@pytest.mark.parametrize(
    ("changes", "why"), [({"title": ""}, "0 characters"), ({"valid_hours": "soon"}, "number of hours")]
)
def test_question_that_is_none_fails_the_task_before_anybody_is_asked(server, changes, why):
    with pytest.raises(AirflowFailException, match=why):
        sensor(**changes).execute(context())
    assert not server.called(GATES)


def test_everything_that_is_asked_is_a_template_field_so_that_airflow_records_it():
    assert ApprovalGateSensor.template_fields == FIELDS == tuple(vars(recorded_question({"title": "?"})))


@pytest.mark.req("R37")
def test_sign_off_lets_the_task_go_on_and_says_who(server):
    server.script("GET", "/gates/3", SIGNED)
    result = sensor().execute_complete(context(), event(), "gate:3")
    assert result == {"gate_id": 3, "state": "approved", "decided_by": ["bob", "cy"], "comments": ["Fine."]}


@pytest.mark.req("R37")
@pytest.mark.parametrize(
    ("on_refusal", "end"), [("fail", AirflowFailException), ("skip", AirflowSkipException)]
)
def test_refusal_ends_the_task_as_asked_with_who_and_why(server, on_refusal, end):
    server.script("GET", "/gates/3", REJECTED)
    with pytest.raises(end, match=r"Gate 3 'Pay out\?' is 'rejected'\. Rejected by bob: Too early\."):
        sensor(on_refusal=on_refusal).execute_complete(context(), event("error", "refused"), "gate:3")


@pytest.mark.req("R37")
@pytest.mark.parametrize("state", ["expired", "withdrawn"])
def test_gate_that_nobody_decided_never_lets_the_task_go_on(server, state):
    server.script("GET", "/gates/3", gate(state=state))
    with pytest.raises(AirflowFailException, match=state):
        sensor().execute_complete(context(), event("error", "refused"), "gate:3")


def test_failed_wait_fails_the_task(server):
    with pytest.raises(AirflowFailException, match="words"):
        sensor().execute_complete(context(), event("error", "not_found", "words"), "gate:3")


def test_gate_that_is_signed_already_needs_no_trigger(server):
    server.script("POST", "/gates", SIGNED)
    server.script("GET", "/gates/3", SIGNED)
    assert sensor().execute(context())["state"] == "approved"


def test_gate_that_was_refused_already_fails_at_once(server):
    server.script("POST", "/gates", REJECTED)
    server.script("GET", "/gates/3", REJECTED)
    with pytest.raises(AirflowFailException, match="bob"):
        sensor().execute(context())


def test_gate_that_may_not_be_opened_fails_with_the_servers_words(server):
    server.script("POST", "/gates", Answer(403, {"error": "not_allowed", "detail": "Not for this DAG."}))
    with pytest.raises(AirflowFailException, match="Not for this DAG"):
        sensor().execute(context())


def test_without_a_triggerer_the_sensor_pokes(server):
    server.script("POST", "/gates", gate(), SIGNED)
    server.script("GET", "/gates/3", SIGNED)
    poking = sensor(deferrable=False)
    assert poking.mode == "reschedule"
    assert not poking.poke(context())
    found = poking.poke(context())
    assert found.is_done
    assert found.xcom_value["decided_by"] == ["bob", "cy"]
    assert [request.body["try_number"] for request in server.called(GATES)] == [1, 1]


def test_poke_of_a_refused_gate_ends_the_task(server):
    server.script("POST", "/gates", REJECTED)
    server.script("GET", "/gates/3", REJECTED)
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=False, on_refusal="skip").poke(context())


def test_wait_outlasts_the_longest_validity_unless_a_timeout_is_given(server):
    assert deferred(server).timeout.total_seconds() > 240 * 3600
    assert deferred(server, timeout=60).timeout.total_seconds() == 60
    with DAG("d", default_args={"timeout": 90}):
        assert sensor().timeout == 90


def test_unknown_answer_to_a_refusal_is_refused_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="'pass'"):
        sensor(on_refusal="pass")
