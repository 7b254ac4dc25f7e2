"""The link from a task to the page of its release or gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_release_plugin.domain.tasks import LINK_KEY

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.types import TaskInstanceKey

    from airflow_release_plugin.client.settings import ClientSettings


class ReleaseLink(BaseOperatorLink):
    """
    Leads to the page of the release or gate that the task works on.

    The task stores the address as XCom as soon as it knows it, so the link works while the task waits.

    :param role: what the operator is there for; Airflow records the link's key even of tasks that are mapped
    """

    name = "Release"

    def __init__(self, role: str = "") -> None:
        self.role = role

    @property
    def xcom_key(self) -> str:
        """Key of the address, which tells the role."""
        return f"{LINK_KEY}_{self.role}" if self.role else LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the stored address; Airflow stores it again when the task ends."""
        from airflow.sdk.execution_time.xcom import XCom

        return str(XCom.get_value(ti_key=ti_key, key=self.xcom_key) or "")


def push_link(context: Context, settings: ClientSettings, page: str, role: str = "") -> None:
    """
    Store the address of ``page`` (``releases/7``, ``gates/3``), relative to the browser's host.

    :param role: that of the operator, if it has one
    """
    url = f"{settings.path_prefix}/release/ui/{page}"
    context["ti"].xcom_push(key=ReleaseLink(role).xcom_key, value=url)
