"""An environment as the REST API tells it, to be proven on this worker."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.environment_proof import ServedDag, ServedDags

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient


class ServedEnvironment:
    """
    What is to be compared, from the server. Its tree is checked against the id of the version, byte by byte.

    :param conn_id: id of the connection, for messages
    """

    def __init__(self, client: ReleaseClient, name: str, *, conn_id: str) -> None:
        self._client = client
        self._name = name
        self._conn_id = conn_id

    def served(self) -> ServedDags:
        """What it serves now."""
        found = self._client.get_served_dags(self._name)
        return ServedDags(
            environment=found.environment,
            version=found.version,
            dag_files={path: tuple(dag_ids) for path, dag_ids in found.dag_files.items()},
            dags=tuple(ServedDag(**dag.model_dump()) for dag in found.dags),
            errors=found.errors,
        )

    def text(self, dag_id: str) -> str:
        """A DAG as Airflow serves it now. Raises ``NotFoundError``."""
        return self._client.get_served_text(self._name, dag_id).text

    def build(self, folder: Path, version: str) -> Path:
        """Make the tree of a version below an empty folder."""
        from airflow_release_plugin.bundles.http_versions import HttpVersions
        from airflow_release_plugin.store.serving import ServedTrees

        versions = HttpVersions(self._client.settings, conn_id=self._conn_id)
        trees, place = ServedTrees(folder / "shared"), folder / "tree"
        with trees.locked():
            trees.place(place, versions.files(version), partial(versions.read_all, version), previous=None)
        return place
