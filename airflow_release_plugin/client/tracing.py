"""Tells the server of the span that a request belongs to, so that traces of Airflow go on there."""

from __future__ import annotations

import sys


def trace_headers() -> dict[str, str]:
    """
    ``traceparent`` and what goes with it (W3C Trace Context); empty outside of a span.

    Airflow has loaded OpenTelemetry in every process that traces; nobody else pays for the import.
    """
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry import trace

    if not trace.get_current_span().get_span_context().is_valid:
        return {}
    from opentelemetry.propagate import inject

    headers: dict[str, str] = {}
    inject(headers)
    return headers
