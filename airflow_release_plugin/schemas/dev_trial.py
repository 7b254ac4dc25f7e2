"""Dev runs that tried a version."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.schemas.common import ResponseModel


class DevRunResponse(ResponseModel):
    """A run of a dev copy. ``state`` is Airflow's; ``ended`` is null while it runs."""

    dag_id: str
    run_id: str
    state: str
    began: datetime
    ended: datetime | None


class DevTrialResponse(ResponseModel):
    """
    Whether a DAG was tried in dev with exactly the files of its version.

    ``run`` is the newest such run that ended well, else the newest that failed; null where there is none.
    ``read`` is how many of the files it read.
    """

    dag_id: str
    is_success: bool
    read: int
    run: DevRunResponse | None
