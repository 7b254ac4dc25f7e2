from __future__ import annotations

import asyncio
from pkgutil import resolve_name

import pytest
from airflow.triggers.base import TaskSuccessEvent

from airflow_release_plugin.triggers.state import ReleaseStateTrigger
from tests.unit.client.server import PREFIX, connection_to


@pytest.fixture(autouse=True)
def worker_seconds(monkeypatch, request):
    """Seconds that a worker may take to notice that its task has deferred."""
    seconds = getattr(request, "param", 0)
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", str(seconds - 2))
    return seconds


def trigger(subject="release:7", **changes):
    return ReleaseStateTrigger(
        **{"subject": subject, "targets": ["approved", "released"], "refusals": ["rejected"]} | changes
    )


async def first_event(waiting):
    events = waiting.run()
    event = await anext(events)
    await events.aclose()
    return event


def test_arguments_survive_the_trip_to_the_triggerer():
    path, arguments = trigger(known="checking", release_conn_id="other", end_from_trigger=True).serialize()
    again = resolve_name(path)(**arguments)
    assert again.serialize() == (path, arguments)


@pytest.mark.parametrize(
    ("state", "payload"),
    [
        ("approved", {"status": "success", "state": "approved", "error_type": "", "message": ""}),
        (
            "rejected",
            {
                "status": "error",
                "state": "rejected",
                "error_type": "refused",
                "message": "release:7 is 'rejected'.",
            },
        ),
    ],
)
async def test_final_state_is_the_payload(server, state, payload):
    server.states["release:7"] = state
    assert (await first_event(trigger())).payload == payload


async def test_states_on_the_way_do_not_end_the_wait(server):
    server.states["release:7"] = "checking"
    waiting = asyncio.create_task(first_event(trigger(known="checking")))
    await asyncio.sleep(0.3)
    server.move("release:7", "awaiting_approval")
    await asyncio.sleep(0.3)
    assert not waiting.done()
    server.move("release:7", "released")
    assert (await waiting).payload["state"] == "released"


async def test_state_that_is_known_to_be_final_needs_no_request(server):
    assert (await first_event(trigger(known="approved"))).payload["status"] == "success"
    assert not server.requests


async def test_success_can_end_the_task_without_a_worker(server):
    server.states["release:7"] = "approved"
    event = await first_event(trigger(end_from_trigger=True))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms == {"return_value": "approved"}


async def test_refusal_goes_to_a_worker_even_when_success_would_not(server):
    server.states["release:7"] = "rejected"
    assert (await first_event(trigger(end_from_trigger=True))).payload["error_type"] == "refused"


async def test_missing_release_is_a_typed_failure(server):
    payload = (await first_event(trigger("release:404"))).payload
    assert (payload["status"], payload["error_type"]) == ("error", "not_found")


async def test_missing_connection_is_a_typed_failure(server):
    payload = (await first_event(trigger(release_conn_id="nowhere"))).payload
    assert (payload["status"], payload["error_type"]) == ("error", "invalid_request")
    assert "'nowhere' does not exist" in payload["message"]


async def test_wrong_password_is_a_typed_failure(server):
    with connection_to(server, password="wrong"):
        payload = (await first_event(trigger())).payload
    assert (payload["status"], payload["error_type"]) == ("error", "not_authenticated")


async def test_triggers_of_one_process_share_one_request(server):
    server.states.update({f"gate:{number}": "open" for number in range(200)})
    waiting = [
        asyncio.create_task(first_event(trigger(f"gate:{number}", known="open"))) for number in range(200)
    ]
    while not server.polls:
        await asyncio.sleep(0.02)
    for number in range(200):
        server.states[f"gate:{number}"] = "approved"
    server.move("gate:0", "approved")
    events = await asyncio.gather(*waiting)
    assert {event.payload["state"] for event in events} == {"approved"}
    assert len(server.called(f"{PREFIX}/watch")) <= 3
    assert server.most_polls == 1


@pytest.mark.parametrize("worker_seconds", [3.0], indirect=True)
@pytest.mark.parametrize(("end_from_trigger", "waits"), [(False, True), (True, False)])
async def test_a_task_goes_on_only_when_its_worker_is_done_with_it(
    server, worker_seconds, end_from_trigger, waits
):
    server.states["release:7"] = "approved"
    begun = asyncio.get_running_loop().time()
    await first_event(trigger(end_from_trigger=end_from_trigger))

    assert (asyncio.get_running_loop().time() - begun >= worker_seconds) is waits
