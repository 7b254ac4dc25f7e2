"""
Metrics by Airflow's own Stats: to StatsD, Datadog or OpenTelemetry, as ``[metrics]`` of ``airflow.cfg`` says.

What a transaction counts is sent when it commits, and forgotten with it. Nothing that goes wrong here reaches
whoever counts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from airflow_release_plugin.domain.metrics import Metric, MetricKind
from airflow_release_plugin.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, SessionTransaction

log = logging.getLogger(__name__)

_INFO = "airflow_release_metrics"
_starting = Lock()


@dataclass(frozen=True)
class _Sample:
    """
    What is to be sent.

    :param savepoint: the innermost one in which it was counted; ``None`` outside of them
    """

    metric: Metric
    value: float
    tags: dict[str, str]
    savepoint: SessionTransaction | None


@dataclass
class _Waiting:
    """What one transaction has counted."""

    transaction: SessionTransaction
    samples: list[_Sample] = field(default_factory=list)


class AirflowMetrics:
    """The port, for one session; see ``MetricsPort``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def are_sent(self) -> bool:
        from airflow.configuration import conf

        ways = ("statsd_datadog_enabled", "statsd_on", "otel_on")
        return any(conf.getboolean("metrics", way, fallback=False) for way in ways)

    def send(self, metric: Metric, value: float = 1, **tags: str) -> None:
        if set(tags) != set(metric.tags):
            raise ValueError(f"{metric.name} has the tags {metric.tags}, not {sorted(tags)}")
        if not self.are_sent():
            return
        session = self._session
        transaction = session.get_transaction()
        sample = _Sample(metric, value, tags, session.get_nested_transaction())
        if transaction is None:
            _send(sample)
            return
        waiting: _Waiting | None = session.info.get(_INFO)
        if waiting is None:
            event.listen(session, "after_commit", _after_commit)
            event.listen(session, "after_soft_rollback", _after_rollback)
        if waiting is None or waiting.transaction is not transaction:
            waiting = session.info[_INFO] = _Waiting(transaction)
        waiting.samples.append(sample)


def _after_commit(session: Session) -> None:
    # The end of a savepoint is no commit
    waiting: _Waiting | None = session.info.get(_INFO)
    if waiting is None or session.in_nested_transaction():
        return
    if waiting.transaction is session.get_transaction():
        samples, waiting.samples = waiting.samples, []
        for sample in samples:
            _send(sample)


def _after_rollback(session: Session, ended: SessionTransaction) -> None:
    waiting: _Waiting | None = session.info.get(_INFO)
    if waiting is not None:
        waiting.samples = [each for each in waiting.samples if not _is_within(each.savepoint, ended)]


def _is_within(savepoint: SessionTransaction | None, ended: SessionTransaction) -> bool:
    while savepoint is not None and savepoint is not ended:
        savepoint = savepoint.parent
    return savepoint is ended or not ended.nested


def _send(sample: _Sample) -> None:
    try:
        stats, are_tags_sent = _stats(), sends_tags()
        metric = sample.metric
        name = metric.name if are_tags_sent else metric.flat_name(sample.tags)
        tags = sample.tags if are_tags_sent else {}
        if metric.kind is MetricKind.COUNTER:
            stats.incr(name, int(sample.value), tags=tags)
        elif metric.kind is MetricKind.GAUGE:
            stats.gauge(name, sample.value, tags=tags)
        else:
            stats.timing(name, timedelta(seconds=sample.value), tags=tags)
    except Exception:
        log.exception("The metric %s was not sent", sample.metric.name)


def sends_tags() -> bool:
    """Whether Airflow sends tags, as it is configured; plain StatsD has none, and drops them."""
    from airflow.configuration import conf

    if conf.getboolean("metrics", "statsd_datadog_enabled", fallback=False):
        return conf.getboolean("metrics", "statsd_datadog_metrics_tags", fallback=True)
    if conf.getboolean("metrics", "statsd_on", fallback=False):
        return conf.getboolean("metrics", "statsd_influxdb_enabled", fallback=False)
    return True


def _stats() -> Any:
    """
    Airflow's Stats, told where to send, as Airflow tells it in the processes in which it counts itself.

    The API server of 3.2, and commands of every version, are none of these.
    """
    with _starting:
        return _stats_of_3_3() if AIRFLOW_V_3_3_PLUS else _stats_of_3_2()


def _stats_of_3_3() -> Any:
    from airflow._shared.observability.metrics import stats
    from airflow.configuration import conf
    from airflow.observability.metrics.stats_utils import get_stats_factory

    if stats._factory is None:
        stats.initialize(
            factory=get_stats_factory(),
            export_legacy_names=conf.getboolean("metrics", "legacy_names_on", fallback=True),
        )
    return stats


def _stats_of_3_2() -> Any:
    from airflow.observability.metrics import stats_utils
    from airflow.observability.stats import Stats

    stats: Any = Stats
    if stats.factory is None:
        factory_of: Any = stats_utils.get_stats_factory
        stats.initialize(factory=factory_of(Stats))
    return stats
