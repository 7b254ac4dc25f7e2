"""A collector of OpenTelemetry on loopback: what is sent to it by OTLP over HTTP, as protobuf says it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class OtlpCollector:
    """
    Takes what arrives.

    :param spans: by name
    :param metrics: ``(name, attributes)`` with the latest value
    """

    def __init__(self) -> None:
        self.spans: dict[str, Any] = {}
        self.metrics: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return self._server.server_address[1]

    def take(self, path: str, body: bytes) -> None:
        """Note what one request brings."""
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.spans.update({span.name: span for span in scope.spans})
            return
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
                self._note(metric)

    def _note(self, metric: Any) -> None:
        for point in getattr(metric, metric.WhichOneof("data")).data_points:
            tags = tuple(sorted((each.key, each.value.string_value) for each in point.attributes))
            value = point.as_int if point.HasField("as_int") else point.as_double
            self.metrics[metric.name, tags] = value

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def otlp_collector() -> Iterator[OtlpCollector]:
    """A collector for the length of a block."""
    collector = OtlpCollector()
    try:
        yield collector
    finally:
        collector.close()


def attributes(span: Any) -> dict[str, Any]:
    """Those of a span, as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
