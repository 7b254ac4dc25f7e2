"""Machines as Airflow knows them: where dag processors run, and where tasks of an environment ran."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_STARTED = ("running", "success")
"""States in which a task's host is the one that it was queued for last."""


def machines_at_work(session: Session, bundle: str, since: Mapping[str, datetime]) -> dict[str, str]:
    """
    Those of some machines that go on, and how Airflow knows it; two queries.

    A dag processor does while its job has not ended. A worker does if it took up a task of ``bundle`` that
    was queued after the machine's moment: by the scheduler's clock, not by the worker's.

    :param since: by host
    """
    from airflow.jobs.job import Job
    from airflow.models.dag_version import DagVersion
    from airflow.models.taskinstance import TaskInstance as Instance
    from sqlalchemy import func, select

    hosts, oldest = list(since), min(since.values())
    processors = (
        select(Job.hostname, func.max(Job.latest_heartbeat))
        .where(Job.job_type == "DagProcessorJob", Job.state == "running", Job.hostname.in_(hosts))
        .group_by(Job.hostname)
    )
    found: dict[str, str] = {
        str(host): Message(
            "Its dag processor has not ended; its last heartbeat was at %(time)s UTC.",
            time=f"{beat:%Y-%m-%d %H:%M}",
        )
        for host, beat in session.execute(processors)
        if beat is not None
    }
    # A task's heartbeats are younger than its queueing, and there is an index on them.
    tasks = (
        select(Instance.hostname, func.max(Instance.queued_dttm))
        .join(DagVersion, DagVersion.id == Instance.dag_version_id)
        .where(
            Instance.last_heartbeat_at > oldest,
            Instance.queued_dttm > oldest,
            Instance.hostname.in_(hosts),
            Instance.state.in_(_STARTED),
            DagVersion.bundle_name == bundle,
        )
        .group_by(Instance.hostname)
    )
    for host, queued in session.execute(tasks):
        if host is not None and queued is not None and queued > since[host]:
            found[host] = Message(
                "It took up a task that was queued at %(time)s UTC.", time=f"{queued:%Y-%m-%d %H:%M}"
            )
    return found
