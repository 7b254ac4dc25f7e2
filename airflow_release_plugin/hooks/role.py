"""How our operators say what they are there for, in a place that only Airflow writes."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_release_plugin.domain.tasks import ROLE_FIELD
from airflow_release_plugin.hooks.links import ReleaseLink


class RecordedRole:
    """
    Mixin of operators with a role, to stand before the operator class.

    Airflow serializes the role with the DAG, so that the server learns from Airflow, not from whoever calls,
    what a task is. Subclasses have the role of the class that they extend. A mapped task has no attributes of
    its own there, but the key of its operator's link, which tells the role as well.
    """

    release_role: ClassVar[str] = ""
    """A value of :class:`~airflow_release_plugin.domain.tasks.TaskRole`; empty for none."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "release_role" in vars(cls):
            cls.operator_extra_links = (ReleaseLink(cls.release_role),)  # type: ignore[attr-defined]

    @classmethod
    def get_serialized_fields(cls) -> Any:
        """Airflow's fields, and the role."""
        return super().get_serialized_fields() | {ROLE_FIELD}  # type: ignore[misc]
