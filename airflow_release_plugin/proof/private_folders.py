"""Folders of a worker that code under check must not read, since no approval covers what is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from airflow_release_plugin import config
from airflow_release_plugin.messages import Message
from airflow_release_plugin.proof.observation import PrivateFolder


def private_folders() -> list[PrivateFolder]:
    """Where this worker's configuration has DAG code, there or not; and Airflow's own folder."""
    from airflow.configuration import AIRFLOW_HOME, conf
    from airflow.dag_processing.bundles.base import get_bundle_storage_root_path

    dags_folder = conf.get("core", "dags_folder", fallback="")
    return [
        *_bundles(),
        *(
            [PrivateFolder(dags_folder, Message("Airflow's folder for DAGs ([core] dags_folder)"))]
            if dags_folder
            else []
        ),
        PrivateFolder(str(get_bundle_storage_root_path()), Message("Airflow's copies of DAG bundles")),
        PrivateFolder(str(AIRFLOW_HOME), Message("Airflow's own folder ($AIRFLOW_HOME)"), is_bundle=False),
    ]


def _bundles() -> Iterator[PrivateFolder]:
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    source = config.source_bundle()
    for bundle in DagBundlesManager().get_all_dag_bundles():
        # Of one that cannot say yet where it lies, the copies are below the storage.
        with contextlib.suppress(Exception):
            name = (
                Message("the source %(bundle)r", bundle=bundle.name)
                if bundle.name == source
                else Message("the DAG bundle %(bundle)r", bundle=bundle.name)
            )
            yield PrivateFolder(str(bundle.path), name)
