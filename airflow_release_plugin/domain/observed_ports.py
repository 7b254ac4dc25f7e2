"""The ports by which operators see the product: Airflow's metrics and Airflow's audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from airflow_release_plugin.domain.airflow_log import LogLine
from airflow_release_plugin.domain.metrics import Metric


class MetricsPort(Protocol):
    """Sends metrics by Airflow's own Stats."""

    def are_sent(self) -> bool:
        """Whether anybody gets them, as Airflow is configured."""
        ...

    def send(self, metric: Metric, value: float = 1, **tags: str) -> None:
        """
        Add ``value`` to a counter, set a gauge to it, or note a time in seconds.

        Sent when the transaction commits, and forgotten with it; nothing that goes wrong is raised.

        :param tags: a value for each tag of the metric; ``ValueError`` for others
        """
        ...


class AirflowLogPort(Protocol):
    """Writes into Airflow's audit log, in the transaction of the request."""

    def note(self, lines: Iterable[LogLine]) -> None:
        """Add lines; one statement however many there are."""
        ...
