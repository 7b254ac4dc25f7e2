"""Decides what is watched in a task process: what dev copies read."""

from __future__ import annotations

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.source_location import is_source_file, source_location


def begin(dag_file: str) -> None:
    """
    Called before a task process executes its DAG file; costs microseconds for all other DAGs.

    :param dag_file: absolute path
    """
    source = source_location()
    if source is None:
        return
    if config.observe_dev_runs() and is_source_file(dag_file):
        from airflow_release_plugin.airflow_internals.dev_reads import DevReads
        from airflow_release_plugin.airflow_internals.task_listener import ReadsListener

        reads = DevReads()
        reads.observe(source)
        ReadsListener(reads).listen()
