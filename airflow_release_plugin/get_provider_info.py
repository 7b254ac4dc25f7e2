"""What Airflow's providers manager reads about us. Plain data, so that every process may ask."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.config import SETTINGS

_INTEGRATION = "Airflow Release"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's ``provider_info.schema.json`` defines it."""
    return {
        "package-name": "airflow-release-plugin",
        "name": "Airflow Release",
        "description": "DAGs reach production only as reviewed, approved, exact versions.",
        "db-managers": ["airflow_release_plugin.db_manager.ReleaseDBManager"],
        "cli": ["airflow_release_plugin.cli.definition.get_release_cli_commands"],
        "config": {
            "release": {
                "description": "Options of Airflow Release.",
                "options": {name: setting.described() for name, setting in SETTINGS.items()},
            }
        },
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["software"]}],
        "connection-types": [
            {
                "connection-type": "airflow_release",
                "hook-class-name": "airflow_release_plugin.hooks.release.ReleaseHook",
                "hook-name": "Airflow Release",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema"],
                    "relabeling": {"host": "Airflow URL", "login": "User name"},
                    "placeholders": {"host": "https://airflow.example.org"},
                },
            }
        ],
        "hooks": [
            {"integration-name": _INTEGRATION, "python-modules": ["airflow_release_plugin.hooks.release"]}
        ],
        "bundles": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    "airflow_release_plugin.bundles.release",
                    "airflow_release_plugin.bundles.pipelines",
                ],
            }
        ],
    }
