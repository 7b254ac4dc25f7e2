"""What the documentation says of metrics, and how they are called in Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from airflow_release_plugin.domain.metrics import METRICS, Metric, MetricKind

_ENDINGS = {MetricKind.COUNTER: "_total", MetricKind.TIMER: "_seconds", MetricKind.GAUGE: ""}
_TYPES = {MetricKind.COUNTER: "counter", MetricKind.TIMER: "observer", MetricKind.GAUGE: "gauge"}
_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 604800]
"""Seconds: a delivery takes less than one, an approval days."""
_HEAD = """\
# How statsd_exporter names what Airflow sends of Airflow Release. Written by `make docs`.
"""


def prometheus_name(metric: Metric) -> str:
    """The name after statsd_exporter with our mapping."""
    return "airflow_" + metric.name.replace(".", "_") + _ENDINGS[metric.kind]


def metric_rows() -> Iterator[list[str]]:
    """Every metric for the reference."""
    for metric in METRICS:
        tags = ", ".join(f"`{tag}`" for tag in metric.tags)
        yield [
            f"`{metric.name}`",
            tags,
            metric.kind.value,
            metric.description,
            f"`{prometheus_name(metric)}`",
        ]


def statsd_mapping() -> str:
    """The configuration of statsd_exporter."""
    mappings = [_mapping(metric) for metric in METRICS]
    return _HEAD + yaml.safe_dump({"mappings": mappings}, sort_keys=False)


def _mapping(metric: Metric) -> dict[str, object]:
    found: dict[str, object] = {
        "match": ".".join(["airflow", metric.name, *("*" for _ in metric.tags)]),
        "match_metric_type": _TYPES[metric.kind],
        "name": prometheus_name(metric),
    }
    if metric.tags:
        found["labels"] = {tag: f"${number}" for number, tag in enumerate(metric.tags, start=1)}
    if metric.kind is MetricKind.TIMER:
        found |= {"observer_type": "histogram", "histogram_options": {"buckets": _BUCKETS}}
    return found
