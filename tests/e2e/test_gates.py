from __future__ import annotations

import psutil
import pytest

from tests.harness.driver import API, Driver, dag_file, press

MAPPED = dag_file(
    "mapped_gates",
    """\
from airflow_release_plugin.sensors.gate import ApprovalGateSensor

class LedgerGate(ApprovalGateSensor):
    pass
""",
    """\
    for name, gate, how in (
        ("deferring", LedgerGate, {}),
        ("rescheduling", ApprovalGateSensor, {"deferrable": False, "poke_interval": 5}),
        ("poking", LedgerGate, {"deferrable": False, "mode": "poke", "poke_interval": 5}),
    ):
        gate.partial(task_id=name, message="of {{ ti.map_index }}", **how).expand(
            title=[f"{name} {place} {{{{ dag.dag_id }}}}" for place in ("Rome", "Oslo")]
        )""".strip(),
)


def connections_to_the_server(driver: Driver) -> int:
    """How many the triggerer has open: one for each request that is under way."""
    triggerer = psutil.Process(driver.demo.processes.pid("triggerer"))
    family = [triggerer, *triggerer.children(recursive=True)]
    found = [connection for process in family for connection in process.net_connections("tcp")]
    port = driver.demo.settings.port
    return sum(1 for c in found if c.status == psutil.CONN_ESTABLISHED and c.raddr.port == port)


@pytest.mark.req("R37")
def test_five_gates_hold_no_worker_slot_and_wait_in_one_request(
    driver: Driver, gated: dict[str, int]
) -> None:
    assert driver.demo.settings.environment()["AIRFLOW__CORE__PARALLELISM"] == "4"
    run_id = driver.run("five_gates")
    gates = driver.waiting_gates("five_gates", run_id, 5)

    assert driver.until("the waits sharing a request", lambda: connections_to_the_server(driver) == 1)
    driver.wait_for_run("dev.etl_orders", driver.run("dev.etl_orders"), "success")
    for gate in gates:
        driver.sign(gate)
    driver.wait_for_run("five_gates", run_id, "success")


@pytest.mark.req("R37")
def test_a_rejected_gate_fails_its_task(driver: Driver, gated: dict[str, int]) -> None:
    run_id = driver.run("one_gate")
    (gate,) = driver.waiting_gates("one_gate", run_id, 1)

    with driver.page("reviewer", f"/approvals/gates/{gate['id']}") as page:
        page.get_by_role("button", name="Reject", exact=True).click()
        page.locator("dialog[open]").get_by_label("Why").fill("Not today")
        page.locator("dialog[open]").get_by_role("button", name="Reject", exact=True).click()
        page.get_by_text("Your decision was recorded").wait_for()

    driver.wait_for_run("one_gate", run_id, "failed")
    assert driver.task_states("one_gate", run_id) == {"gate_0": "failed"}


@pytest.mark.req("R37")
@pytest.mark.parametrize("component", ["triggerer", "api-server"])
def test_a_gate_survives_the_death_of(driver: Driver, gated: dict[str, int], component: str) -> None:
    run_id = driver.run("one_gate")
    (gate,) = driver.waiting_gates("one_gate", run_id, 1)

    driver.demo.processes.kill(component)
    driver.demo.processes.start_again(component)
    driver.until("the API answering", lambda: driver.demo.is_answering())
    with driver.page("reviewer", f"/approvals/gates/{gate['id']}") as page:
        press(page, "Approve", "Approve")
        page.get_by_text("Your decision was recorded").wait_for()

    driver.wait_for_run("one_gate", run_id, "success")


@pytest.mark.req("R37", "R88")
def test_every_instance_of_a_mapped_gate_asks_its_own_question(driver: Driver) -> None:
    driver.add("mapped_gates", MAPPED)
    driver.ship("mapped_gates.py", title="Mapped gates")
    run_id = driver.run("mapped_gates")
    expected = {
        (name, index): (f"{name} {place} mapped_gates", f"of {index}")
        for name in ("deferring", "rescheduling", "poking")
        for index, place in enumerate(("Rome", "Oslo"))
    }

    # Those that poke hold the few slots of the workers: sign whatever asks, until each has asked.
    asked = {}

    def sign_what_asks() -> bool:
        for gate in driver.get(f"{API}/gates", "reviewer", dag_id="mapped_gates", state="open")["items"]:
            asked[gate["task_id"], gate["map_index"]] = (gate["title"], gate["message"])
            driver.sign(gate)
        return len(asked) == len(expected)

    driver.until("every gate asking", sign_what_asks)
    driver.wait_for_run("mapped_gates", run_id, "success")
    assert asked == expected
    gates = driver.get(f"{API}/gates", "reviewer", dag_id="mapped_gates")["items"]
    assert [gate["state"] for gate in gates] == ["approved"] * len(expected)
