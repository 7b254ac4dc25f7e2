from __future__ import annotations

import time

import pytest

from tests.harness.driver import Driver


def runs(driver: Driver, dag_id: str) -> int:
    return int(driver.get(f"/api/v2/dags/{dag_id}/dagRuns")["total_entries"])


@pytest.mark.req("R75")
def test_a_run_in_development_starts_nothing_in_production_and_one_in_production_does(driver: Driver) -> None:
    waiting = [path for path in ("daily_revenue.py", "etl_orders.py") if driver.row(path) is not None]
    driver.ship(*waiting, title="Orders and revenue")
    before = runs(driver, "daily_revenue")

    driver.wait_for_run("dev.etl_orders", driver.run("dev.etl_orders"), "success")
    time.sleep(5)  # the scheduler looks for asset events every second or two
    assert runs(driver, "daily_revenue") == before

    driver.wait_for_run("etl_orders", driver.run("etl_orders"), "success")
    driver.until("the asset starting it", lambda: runs(driver, "daily_revenue") > before)
