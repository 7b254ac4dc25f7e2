"""
Cluster policies: DAGs of the source bundle get a namespace of their own.

Airflow registers this module as a whole (entry point ``airflow.policy``) in every process that parses DAGs,
so it imports nothing but Airflow's own marker.
"""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

from airflow.policies import hookimpl

if TYPE_CHECKING:
    from airflow_release_plugin.airflow_internals.namespace import Namespace

_LONGEST_ID = 250
_ORIGINAL_ID = "_release_source_dag_id"
_PARSING_DAG_ID = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
_PARSING_TASK_ID = "_AIRFLOW_PARSING_CONTEXT_TASK_ID"
"""Set while a task process executes its DAG file."""


@hookimpl
def dag_policy(dag: Any) -> None:
    """
    Rename a DAG of the source bundle to ``<prefix><dag_id>`` and keep it away from production.

    Its schedule is off unless configured; its assets and the DAGs that it names are their dev copies. DAGs of
    other bundles stay as they are, and a DAG that was renamed before is left alone. Raises
    ``AirflowClusterPolicyViolation`` (an import error of that file) for an id that begins with the prefix.
    """
    from airflow_release_plugin import config
    from airflow_release_plugin.airflow_internals.namespace import Namespace
    from airflow_release_plugin.airflow_internals.source_location import is_source_file

    if _ORIGINAL_ID in dag.__dict__ or (namespace := Namespace.configured()) is None:
        return
    if not is_source_file(dag.fileloc, dag.relative_fileloc):
        return
    _rename(dag, namespace)
    _set_schedule(dag, namespace, keep=config.source_schedules())
    for task in dag.tasks:
        _move(task, namespace)


@hookimpl
def get_dagbag_import_timeout(dag_file_path: str) -> None:
    """
    Let files of the source bundle see the id that they wrote in ``get_parsing_context().dag_id``.

    Files that build many DAGs skip all but the one that a task process asks for, and it asks for the prefixed
    id. Airflow calls this hook right before it executes the file; no timeout is given, so the next policy
    decides on that. In the process of a task, what the task opens is watched from here on.
    """
    if os.environ.get(_PARSING_TASK_ID):
        from airflow_release_plugin.airflow_internals import task_watch

        task_watch.begin(dag_file_path)
    from airflow_release_plugin import config
    from airflow_release_plugin.airflow_internals.source_location import is_source_file

    prefix = config.source_dag_id_prefix()
    wanted = os.environ.get(_PARSING_DAG_ID, "")
    if prefix and wanted.startswith(prefix) and is_source_file(dag_file_path):
        os.environ[_PARSING_DAG_ID] = wanted[len(prefix) :]


def _rename(dag: Any, namespace: Namespace) -> None:
    if dag.dag_id.startswith(namespace.prefix):
        from airflow.exceptions import AirflowClusterPolicyViolation

        raise AirflowClusterPolicyViolation(
            f"DAG id {dag.dag_id!r} begins with {namespace.prefix!r}, which marks dev copies."
            " Rename the DAG, or change [release] source_dag_id_prefix."
        )
    if len(namespace.prefix + dag.dag_id) > _LONGEST_ID:
        from airflow.exceptions import AirflowClusterPolicyViolation

        raise AirflowClusterPolicyViolation(
            f"DAG id {dag.dag_id!r} has {len(dag.dag_id)} characters; with {namespace.prefix!r}, which marks"
            f" dev copies, it is longer than the {_LONGEST_ID} that Airflow takes. Shorten the id to"
            f" {_LONGEST_ID - len(namespace.prefix)}, or [release] source_dag_id_prefix."
        )
    dag.__dict__[_ORIGINAL_ID] = dag.dag_id
    dag.dag_id = namespace.prefix + dag.dag_id
    # Lists show this name only: without the prefix nobody could tell the two copies apart there.
    dag.dag_display_name = namespace.prefix + dag.dag_display_name


def _set_schedule(dag: Any, namespace: Namespace, *, keep: bool) -> None:
    from airflow.sdk.definitions.asset import BaseAsset

    condition = getattr(dag.timetable, "asset_condition", None)
    if keep and isinstance(condition, BaseAsset):
        dag.timetable = _asset_timetable(dag.timetable, namespace)
    elif not keep:
        from airflow.sdk.definitions.timetables.simple import NullTimetable

        # ``schedule`` refuses assignment; nothing reads it once the timetable exists, but it should not lie.
        dag.__dict__["schedule"] = None
        dag.timetable = NullTimetable()
        # A DAG that allows scheduled runs only could not be tried out at all.
        dag.allowed_run_types = None


def _asset_timetable(timetable: Any, namespace: Namespace) -> Any:
    clone = copy.copy(timetable)
    clone.asset_condition = namespace.asset(timetable.asset_condition)
    if mappers := getattr(timetable, "partition_mapper_config", None):
        clone.partition_mapper_config = {namespace.asset(asset): mapper for asset, mapper in mappers.items()}
    return clone


def _move(task: Any, namespace: Namespace) -> None:
    from airflow_release_plugin.airflow_internals.namespace import has_assets, rewrite_task

    if not (rewrite_task(task, namespace) or has_assets(task)):
        return
    from airflow_release_plugin.airflow_internals.namespace_runtime import NamespaceGuard

    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs["pre_execute"] = NamespaceGuard(namespace, task.partial_kwargs.get("pre_execute"))
    else:
        task._pre_execute_hook = NamespaceGuard(namespace, task._pre_execute_hook)
