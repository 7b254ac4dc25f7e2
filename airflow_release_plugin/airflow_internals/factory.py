"""Puts the ports to Airflow together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_release_plugin.airflow_internals.access import AirflowAccess
from airflow_release_plugin.airflow_internals.audit_log import AirflowLog
from airflow_release_plugin.airflow_internals.bundles import AirflowBundles
from airflow_release_plugin.airflow_internals.connections import AirflowConnections
from airflow_release_plugin.airflow_internals.inventory import AirflowInventory
from airflow_release_plugin.airflow_internals.metrics import AirflowMetrics
from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.airflow_internals.source import AirflowSource
from airflow_release_plugin.airflow_internals.tasks import AirflowTasks
from airflow_release_plugin.domain.ports import Airflow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def build_airflow(session: Session, *, user: Any = None) -> Airflow:
    """
    The ports to Airflow for one request.

    :param session: used for all reads and writes on Airflow's tables; the caller commits it
    :param user: the auth manager's user whose request this is; ``None`` for the product itself, which may
        nothing that the auth manager decides on
    """
    return Airflow(
        source=AirflowSource(session),
        access=AirflowAccess(session, user),
        serving=AirflowServing(session),
        tasks=AirflowTasks(session),
        bundles=AirflowBundles(session),
        inventory=AirflowInventory(session),
        connections=AirflowConnections(),
        metrics=AirflowMetrics(session),
        log=AirflowLog(session),
    )
