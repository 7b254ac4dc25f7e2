"""What the documentation offers for monitoring is held against the declaration of metrics."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.metrics import METRICS, Metric, MetricKind
from scripts.monitoring import prometheus_name, statsd_mapping

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "docs" / "monitoring"
NAME = re.compile(r"\bairflow_\w+")
LABEL = re.compile(r"(\w+)=~?\"|\bby \(([\w, ]+)\)|\{\{ ?(?:\$labels\.)?(\w+) ?\}\}")
BY_NAME = {prometheus_name(metric): metric for metric in METRICS}


def metric_of(name: str) -> Metric:
    """The metric of a name in a query; a histogram has three series."""
    return BY_NAME[re.sub(r"_(bucket|sum|count)$", "", name)]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    return found


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries() -> list[tuple[str, str, str]]:
    """Where it stands, the query, and the text that its labels go into."""
    found = [
        (panel["title"], target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]
    return [*found, *((rule["alert"], rule["expr"], rule["annotations"]["summary"]) for rule in rules())]


@pytest.mark.parametrize(("place", "query", "text"), queries(), ids=lambda value: str(value)[:40])
def test_a_query_asks_for_metrics_and_tags_that_there_are(place: str, query: str, text: str) -> None:
    asked = [metric_of(name) for name in NAME.findall(query)]
    assert asked, place
    labels = {name.strip() for found in LABEL.findall(query + text) for name in ",".join(found).split(",")}
    assert labels - {"", "le"} <= {tag for metric in asked for tag in metric.tags}
    for name in NAME.findall(query):
        assert name.endswith("_bucket") == (metric_of(name).kind is MetricKind.TIMER)


@pytest.mark.req("R94")
def test_the_dashboard_shows_every_metric() -> None:
    shown = {metric_of(name) for _, query, _ in queries() for name in NAME.findall(query)}
    assert shown == set(METRICS)


def test_panels_have_places_of_their_own() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len({panel["id"] for panel in panels()}) == len(set(places)) == len(panels())


def test_the_page_names_every_alert() -> None:
    page = (ROOT / "docs" / "how-to" / "monitoring.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == [rule["alert"] for rule in rules()]


def test_the_mapping_is_that_of_the_declaration() -> None:
    assert (MONITORING / "statsd-exporter.yaml").read_text() == statsd_mapping()


def test_every_metric_is_in_the_list() -> None:
    declared = {value for value in vars(metrics).values() if isinstance(value, Metric)}
    assert declared == set(METRICS)
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_no_two_metrics_share_a_name_without_tags() -> None:
    def could_meet(one: Metric, other: Metric) -> bool:
        parts = [[*metric.name.split("."), *("*" for _ in metric.tags)] for metric in (one, other)]
        pairs = list(zip(*parts, strict=False))
        return len(parts[0]) == len(parts[1]) and all(a == b or "*" in {a, b} for a, b in pairs)

    meeting = {(a.name, b.name) for a, b in combinations(METRICS, 2) if could_meet(a, b)}
    # A notification that was given up, and how many are: the states of notifications have other names
    assert meeting <= {("release.notifications.given_up", "release.notifications")}
