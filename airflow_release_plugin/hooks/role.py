"""How our operators say what they are there for, in a place that only Airflow writes."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_release_plugin.domain.tasks import ROLE_FIELD


class RecordedRole:
    """
    Mixin of operators with a role, to stand before the operator class.

    Airflow serializes the role with the DAG, so that the server learns from Airflow, not from whoever calls,
    what a task is. Subclasses have the role of the class that they extend.
    """

    release_role: ClassVar[str] = ""
    """A value of :class:`~airflow_release_plugin.domain.tasks.TaskRole`; empty for none."""

    @classmethod
    def get_serialized_fields(cls) -> Any:
        """Airflow's fields, and the role."""
        return super().get_serialized_fields() | {ROLE_FIELD}  # type: ignore[misc]
