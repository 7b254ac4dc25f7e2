"""What only a task reads reaches prod since a run of the dev copy has read it."""

from __future__ import annotations

import pytest

from tests.harness.driver import API, Driver

RATES = """
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None, params={"parts": ["rates", "euro"]})
def daily_rates():
    @task
    def load(params=None):
        return Path(__file__).parent.joinpath(*params["parts"]).read_text()

    load()

daily_rates()
"""


@pytest.mark.req("R81", "R84")
def test_a_file_that_only_a_task_reads_reaches_prod_after_a_dev_run(driver: Driver) -> None:
    driver.write("rates/euro", "1.08\n")
    driver.add("daily_rates", RATES)
    driver.wait_for_run("dev.daily_rates", driver.run("dev.daily_rates"), "success")

    submission = driver.submit("daily_rates.py")
    reasons = {file["path"]: file["reason"] for file in submission["files"]}
    assert reasons["rates/euro"].startswith("read by task daily_rates.load in the dev run of ")

    body = {"title": "Rates", "submission_ids": [submission["id"]], "reviewers": ["reviewer"]}
    release_id = int(driver.post(f"{API}/releases", body)["id"])
    driver.decide(driver.wait_for(release_id, "awaiting_approval"))
    released = driver.wait_for(release_id, "released")
    driver.until("daily_rates being served", lambda: driver.is_served("daily_rates", released))
    driver.wait_for_run("daily_rates", driver.run("daily_rates"), "success")
