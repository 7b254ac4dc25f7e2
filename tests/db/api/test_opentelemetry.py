"""Metrics and spans arrive at a collector of OpenTelemetry, as Airflow is configured to send them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness.otlp import OtlpCollector, attributes, otlp_collector

pytestmark = pytest.mark.req("R94")

# In a process of its own, as the setting of a process cannot be taken back.
_BEGIN = """
import json, os, sys
from tests.harness.airflow_home import prepare
prepare()
os.environ.update(json.loads(sys.argv[1]))
"""
_COUNT = """
from opentelemetry import metrics
from sqlalchemy.orm import Session
from airflow_release_plugin.airflow_internals.metrics import AirflowMetrics
from airflow_release_plugin.domain import metrics as ours
sent = AirflowMetrics(Session())
sent.send(ours.MOVES, state="approved")
sent.send(ours.MOVES, state="approved")
sent.send(ours.HELD, 1)
metrics.get_meter_provider().force_flush()
"""
_ASK = """
from airflow import settings
settings.initialize()
from fastapi.testclient import TestClient
from opentelemetry import trace
from airflow_release_plugin.api.app import create_app
from airflow_release_plugin.client.tracing import trace_headers
server = TestClient(create_app())
with trace.get_tracer("a task").start_as_current_span("task_run.promote"):
    server.get("/api/v1/releases/R-2026-1", headers=trace_headers())
server.get("/api/v1/docs")
trace.get_tracer_provider().force_flush()
"""


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with otlp_collector() as collector:
        yield collector


def run(code: str, collector: OtlpCollector, **environment: str) -> None:
    address = f"http://127.0.0.1:{collector.port}"
    settings = json.dumps({"OTEL_EXPORTER_OTLP_ENDPOINT": address, **environment})
    command = [sys.executable, "-c", _BEGIN + code, settings]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_metrics_come_with_their_tags(collector: OtlpCollector) -> None:
    run(
        _COUNT,
        collector,
        AIRFLOW__METRICS__OTEL_ON="True",
        AIRFLOW__METRICS__OTEL_HOST="127.0.0.1",
        AIRFLOW__METRICS__OTEL_PORT=str(collector.port),
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
    )

    assert collector.metrics["airflow.release.moves", (("state", "approved"),)] == 2
    assert collector.metrics["airflow.release.held", ()] == 1


def test_what_a_task_asks_for_is_in_its_trace(collector: OtlpCollector) -> None:
    run(_ASK, collector, AIRFLOW__TRACES__OTEL_ON="True", OTEL_TRACES_EXPORTER="otlp_proto_http")

    task, request = collector.spans["task_run.promote"], collector.spans["GET /api/v1/releases/{release_id}"]
    assert (request.trace_id, request.parent_span_id) == (task.trace_id, task.span_id)
    assert attributes(request)["http.response.status_code"] == 401
    assert attributes(request)["http.route"] == "/api/v1/releases/{release_id}"


def test_without_the_setting_nothing_is_sent(collector: OtlpCollector) -> None:
    run(_ASK.replace("trace.get_tracer_provider().force_flush()", ""), collector)

    assert not collector.spans
