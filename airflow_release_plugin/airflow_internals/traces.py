"""Whether Airflow is configured to trace. Where to send spans it tells each of its processes."""

from __future__ import annotations

from airflow.configuration import conf


def are_sent() -> bool:
    """Whether ``[traces] otel_on`` of ``airflow.cfg`` says so."""
    return conf.getboolean("traces", "otel_on", fallback=False)
