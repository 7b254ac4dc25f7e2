"""The DAG bundle that brings the system DAGs of this package into Airflow."""

from __future__ import annotations

from pathlib import Path

from airflow.dag_processing.bundles.base import BaseDagBundle


class ReleasePipelinesBundle(BaseDagBundle):
    """Serves ``airflow_release_plugin.pipelines`` from where the package is installed."""

    supports_versioning = False

    @property
    def path(self) -> Path:
        return Path(__file__).parents[1] / "pipelines"

    def get_current_version(self) -> None:
        return None

    def refresh(self) -> None:
        """Nothing to do: the files change only with the package."""
