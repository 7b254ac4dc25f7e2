"""What REST says of a dev run that tried a version."""

from __future__ import annotations

from airflow_release_plugin.domain.release.trials import Trial
from airflow_release_plugin.schemas.dev_trial import DevTrialResponse
from tests.harness.dev_runs import BEGAN, dev_run


def test_a_trial_names_its_run_and_how_it_ended() -> None:
    found = DevTrialResponse.model_validate(Trial("etl", dev_run({"etl.py": "0" * 40}), read=1))

    assert found.model_dump() == {
        "dag_id": "etl",
        "is_success": True,
        "read": 1,
        "run": {
            "dag_id": "dev.etl",
            "run_id": "manual__1",
            "state": "success",
            "began": BEGAN,
            "ended": BEGAN,
        },
    }
