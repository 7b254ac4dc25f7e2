from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "flask", "flask_appbuilder", "fastapi", "dulwich", "pydantic")
PROBE = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module({module!r})
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""


def loaded_by(module: str, *, after: str = "") -> set[str]:
    """Top-level packages that importing ``module`` loads in a fresh interpreter."""
    code = f"import {after}\n" * bool(after) + PROBE.format(module=module)
    output = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True).stdout
    return set(json.loads(output.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "airflow_release_plugin",
        "airflow_release_plugin.get_provider_info",
        "airflow_release_plugin.config",
        "airflow_release_plugin.version_compat",
        "airflow_release_plugin.exceptions",
        "airflow_release_plugin.domain.states",
    ],
)
def test_light_modules_load_no_framework(module: str) -> None:
    assert loaded_by(module).isdisjoint({"airflow", *HEAVY})


@pytest.mark.parametrize(
    "module",
    [
        "airflow_release_plugin.plugin",
        "airflow_release_plugin.airflow_internals.dag_policy",
        "airflow_release_plugin.bundles.release",
        "airflow_release_plugin.bundles.pipelines",
    ],
)
def test_what_every_airflow_process_imports_adds_nothing_heavy_to_airflow(module: str) -> None:
    """Task processes load plugins, policies and every configured bundle class at their start."""
    base = "airflow.plugins_manager, airflow.dag_processing.bundles.base"

    assert loaded_by(module, after=base).isdisjoint(HEAVY)


@pytest.mark.parametrize("module", ["airflow_release_plugin.client", "airflow_release_plugin.schemas"])
def test_the_task_side_loads_no_database_and_no_web_framework(module: str) -> None:
    assert loaded_by(module).isdisjoint({"airflow", "sqlalchemy", "flask", "fastapi"})


@pytest.mark.parametrize("part", ["api.app", "services.server.startup", "views.mount"])
def test_an_api_server_loads_no_git_library_before_it_pushes_to_a_mirror(part: str) -> None:
    """Most installations have no mirror, and each server process would pay for the library."""
    assert "dulwich" not in loaded_by(f"airflow_release_plugin.{part}")
