"""Code that nobody has approved yet finds no secret in its process's environment or configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.config.parsing_environment import parsing_environment
from tests.harness.running import run_files

SECRETS = {
    "AIRFLOW_CONN_WAREHOUSE": "postgresql://u:hidden-0@h/d",
    "AIRFLOW_VAR_API_TOKEN": "hidden-1",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://u:hidden-2@h/d",
    "AIRFLOW__CORE__FERNET_KEY": "hidden-3",
    "AIRFLOW__API__SECRET_KEY": "hidden-4",
    "AIRFLOW__API_AUTH__JWT_SECRET": "hidden-5",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": '[{"kwargs": {"repo_url": "https://hidden-6@h/r"}}]',
    "AIRFLOW__CELERY__BROKER_URL": "redis://:hidden-7@h",
    "AIRFLOW__SECRETS__BACKEND_KWARGS": '{"token": "hidden-8"}',
    "AWS_SECRET_ACCESS_KEY": "hidden-9",
    "HTTPS_PROXY": "http://u:hidden-10@h",
    "AIRFLOW__CORE__SQL_ALCHEMY_CONN_CMD": "echo hidden-11",
    "AIRFLOW__RELEASE__DRIFT_NOTIFIERS": '[{"kwargs": {"webhook": "https://hidden-12"}}]',
}
SPY = """
import json, os
from airflow.configuration import AIRFLOW_CONFIG, conf
from airflow.sdk import DAG
seen = {
    "environment": dict(os.environ),
    "configuration": conf.as_dict(display_source=False, display_sensitive=True),
    "file": open(AIRFLOW_CONFIG).read(),
    "home": [open(os.path.join(os.environ["AIRFLOW_HOME"], name)).read()
             for name in os.listdir(os.environ["AIRFLOW_HOME"])
             if os.path.isfile(os.path.join(os.environ["AIRFLOW_HOME"], name))],
}
dag = DAG("spy", description=json.dumps(seen, default=str))
"""


def spy(tree: Path) -> dict[str, Any]:
    """What DAG code sees while the parse check runs it as the pipeline's operator does."""
    (tree / "spy.py").write_text(SPY)
    (report,) = run_files(tree, ["spy.py"], environment=parsing_environment()).files
    assert report.error == ""
    seen: dict[str, Any] = json.loads(report.dags[0].description)
    return seen


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What DAG code sees on a worker that has secrets and settings."""
    plugins = tmp_path / "plugins"
    for name, value in {
        **SECRETS,
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__RELEASE__ENVIRONMENT": "live",
        "AIRFLOW__RELEASE__CHECK_ENVIRONMENT": "DATA_DIR, TEAM_*",
        "DATA_DIR": "/data",
        "TEAM_NAME": "shop",
        "OTHER": "other",
    }.items():
        monkeypatch.setenv(name, value)
    return spy(tmp_path)


def test_dag_code_sees_no_secret(seen: dict[str, Any]) -> None:
    assert "hidden-" not in json.dumps(seen)


def test_dag_code_is_parsed_under_the_settings_of_the_worker(seen: dict[str, Any], tmp_path: Path) -> None:
    core = seen["configuration"]["core"]

    assert (core["default_timezone"], core["plugins_folder"]) == ("Asia/Shanghai", str(tmp_path / "plugins"))
    assert seen["configuration"]["release"]["environment"] == "live"


def test_dag_code_sees_the_variables_that_an_admin_named(seen: dict[str, Any]) -> None:
    found = [seen["environment"].get(name) for name in ("DATA_DIR", "TEAM_NAME", "OTHER")]

    assert found == ["/data", "shop", None]


def test_settings_can_be_told_in_a_task_where_airflow_has_closed_its_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD", "/bin/false")

    assert "AIRFLOW__CORE__PLUGINS_FOLDER" in parsing_environment()


def test_a_variable_that_is_not_handed_on_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", "/data")
    (tmp_path / "reads.py").write_text("import os\nos.environ['DATA_DIR']\n")

    (report,) = run_files(tmp_path, ["reads.py"]).files

    assert "KeyError: 'DATA_DIR'" in report.error
    assert "check_environment" in report.error
