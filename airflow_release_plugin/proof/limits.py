"""How long, and in how much memory, DAG files may run in a check; time counts once Airflow is loaded."""

from __future__ import annotations

from dataclasses import dataclass

_WAIT = 4


@dataclass(frozen=True)
class Limits:
    """
    Limits, each with its option in the section ``[release]``.

    Seconds are those that the process has: what other processes take of the machine does not count.

    :param start: seconds until Airflow is loaded (``check_start_timeout``)
    :param file: seconds of processor time for one file (``check_file_timeout``)
    :param total: seconds after which no further file gets its turn (``check_timeout``)
    :param memory_mb: MiB beside what Airflow takes itself (``check_memory_mb``)
    """

    start: float = 120
    file: float = 60
    total: float = 600
    memory_mb: int = 4096

    @property
    def wait(self) -> float:
        """Seconds for one file that mostly waits."""
        return self.file * _WAIT
