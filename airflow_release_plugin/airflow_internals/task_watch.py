"""Decides what is watched in a task process: what dev copies read, what released DAGs read of the source."""

from __future__ import annotations

import os

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.source_location import is_source_file, source_location


def begin(dag_file: str) -> None:
    """
    Called before a task process executes its DAG file; costs microseconds for DAGs that are neither.

    :param dag_file: absolute path
    """
    source = source_location()
    if source is None:
        return
    served = _served_folders()
    if dag_file.startswith(tuple(f"{folder}/" for folder in served)):
        if config.source_reads() != "off":
            from airflow_release_plugin.airflow_internals.source_guard import SourceGuard

            SourceGuard(source, served, fails=config.source_reads() == "fail").stand()
    elif config.observe_dev_runs() and is_source_file(dag_file):
        from airflow_release_plugin.airflow_internals.dev_reads import DevReads
        from airflow_release_plugin.airflow_internals.task_listener import ReadsListener

        reads = DevReads()
        reads.observe(source)
        ReadsListener(reads).listen()


def _served_folders() -> tuple[str, ...]:
    from airflow.dag_processing.bundles.base import get_bundle_base_folder

    base = os.fspath(get_bundle_base_folder(config.environment()))
    return tuple(dict.fromkeys((os.path.normpath(base), os.path.realpath(base))))
