"""A StatsD server on loopback, and Airflow's own Stats told to send there."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS
from tests.harness.requirements import missing

_MOMENT = 0.2
"""Seconds without a packet after which nothing more is on its way: on loopback they arrive at once."""


class StatsdServer:
    """Takes what is sent by UDP."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_MOMENT)
        self.port: int = self._socket.getsockname()[1]

    def lines(self, until: str = "", patience: float = 10.0) -> list[str]:
        """What has arrived since the last time: ``airflow.release.moves.approved:1|c``."""
        found: list[str] = []
        deadline = time.monotonic() + patience
        while True:
            try:
                found += self._socket.recv(65535).decode().splitlines()
            except TimeoutError:
                arrived = not until or any(line.startswith(until) for line in found)
                if arrived or time.monotonic() > deadline:
                    return found

    def close(self) -> None:
        self._socket.close()


def forget_stats() -> None:
    """Leave Airflow's Stats as they are in a process that has just begun."""
    if AIRFLOW_V_3_3_PLUS:
        from airflow._shared.observability.metrics import stats

        sender, stats._factory, stats._backend = stats._backend, None, None
    else:
        from airflow.observability.stats import Stats

        stats_class: Any = Stats
        sender = type.__getattribute__(stats_class, "instance")
        type.__setattr__(stats_class, "factory", None)
        type.__setattr__(stats_class, "instance", None)
    if hasattr(sender, "statsd"):
        sender.statsd.close()


@contextmanager
def statsd_server(monkeypatch: pytest.MonkeyPatch, **options: str) -> Iterator[StatsdServer]:
    """A server to which Airflow is configured to send; ``options`` are more of ``[metrics]``."""
    if find_spec("statsd") is None:
        missing("the package statsd", "install the extra dev (make constraints pins it)")
    server = StatsdServer()
    chosen = {"statsd_on": "True", "statsd_host": "127.0.0.1", "statsd_port": str(server.port), **options}
    for name, value in chosen.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
    forget_stats()
    try:
        yield server
    finally:
        forget_stats()
        server.close()
