"""What Airflow's own Stats send by UDP, of what the product counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.airflow_internals.metrics import AirflowMetrics
from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.metrics import METRICS, MetricKind
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from tests.harness.statsd import StatsdServer, statsd_server

pytestmark = pytest.mark.usefixtures("session_factory")


@pytest.fixture
def statsd(monkeypatch: pytest.MonkeyPatch) -> Iterator[StatsdServer]:
    with statsd_server(monkeypatch) as server:
        yield server


def begin(session: Session) -> None:
    """Be in a transaction."""
    session.connection()


@pytest.mark.req("R94")
def test_a_transaction_is_told_when_it_commits(statsd: StatsdServer) -> None:
    with unit_of_work() as (ctx, _):
        begin(ctx.session)
        ctx.airflow.metrics.send(metrics.MOVES, state="approved")
        ctx.airflow.metrics.send(metrics.PROMOTION_DURATION, 1.5)
        ctx.airflow.metrics.send(metrics.DRIFT, 7)
        assert statsd.lines() == []

    assert statsd.lines("airflow.release.drift") == [
        "airflow.release.moves.approved:1|c",
        "airflow.release.promotion.duration:1500.000000|ms",
        "airflow.release.drift:7|g",
    ]


def test_a_transaction_that_fails_is_not(statsd: StatsdServer) -> None:
    def work() -> None:
        with unit_of_work() as (ctx, _):
            begin(ctx.session)
            ctx.airflow.metrics.send(metrics.GLASS_BROKEN)
            raise ConflictError("too late")

    with pytest.raises(ConflictError):
        work()
    assert statsd.lines() == []


def test_what_a_savepoint_takes_back_is_not_told(
    statsd: StatsdServer, session_factory: sessionmaker[Session]
) -> None:
    with session_factory() as session:
        port = AirflowMetrics(session)
        with session.begin_nested():
            port.send(metrics.MOVES, state="kept")
        outer = session.begin_nested()
        with session.begin_nested():
            port.send(metrics.MOVES, state="inner")
        port.send(metrics.MOVES, state="outer")
        outer.rollback()
        assert statsd.lines() == [], "the end of a savepoint is no commit"
        session.commit()

    assert statsd.lines("airflow.release") == ["airflow.release.moves.kept:1|c"]


def test_the_next_transaction_of_a_session_is_told_too(
    statsd: StatsdServer, session_factory: sessionmaker[Session]
) -> None:
    with session_factory() as session:
        port = AirflowMetrics(session)
        for number, way in enumerate(("commit", "rollback", "commit")):
            begin(session)
            port.send(metrics.MOVES, state=f"s{number}")
            getattr(session, way)()

    found = statsd.lines("airflow.release.moves.s2")
    assert found == ["airflow.release.moves.s0:1|c", "airflow.release.moves.s2:1|c"]


def test_tags_are_tags_where_airflow_sends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with statsd_server(monkeypatch, statsd_influxdb_enabled="True") as server:
        with unit_of_work() as (ctx, _):
            ctx.airflow.metrics.send(metrics.DECISIONS, subject="release", verdict="approve")
        assert server.lines("airflow") == ["airflow.release.decisions,subject=release,verdict=approve:1|c"]


def test_the_lists_of_airflow_say_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with statsd_server(monkeypatch, metrics_block_list="release.drift") as server:
        with unit_of_work() as (ctx, _):
            ctx.airflow.metrics.send(metrics.DRIFT, 1)
            ctx.airflow.metrics.send(metrics.HELD, 1)
        assert server.lines("airflow") == ["airflow.release.held:1|g"]


def test_every_metric_can_be_sent(statsd: StatsdServer) -> None:
    with unit_of_work() as (ctx, _):
        for metric in METRICS:
            ctx.airflow.metrics.send(metric, 1, **dict.fromkeys(metric.tags, "x"))
    found = statsd.lines("airflow.release.health")

    suffixes = {MetricKind.COUNTER: "1|c", MetricKind.GAUGE: "1|g", MetricKind.TIMER: "1000.000000|ms"}
    assert found == [
        f"airflow.{metric.flat_name(dict.fromkeys(metric.tags, 'x'))}:{suffixes[metric.kind]}"
        for metric in METRICS
    ]


def test_where_nothing_is_sent_nobody_waits_for_a_commit(session_factory: sessionmaker[Session]) -> None:
    with session_factory() as session:
        port = AirflowMetrics(session)
        begin(session)
        port.send(metrics.GLASS_BROKEN)
        assert not port.are_sent()
        assert session.info == {}


def test_a_server_that_is_away_is_nobodys_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with statsd_server(monkeypatch, statsd_host="nowhere.invalid"), unit_of_work() as (ctx, _):
        begin(ctx.session)
        ctx.airflow.metrics.send(metrics.GLASS_BROKEN)


def test_a_tag_that_is_none_is_a_mistake(statsd: StatsdServer) -> None:
    with pytest.raises(ValueError, match="has the tags"), unit_of_work() as (ctx, _):
        ctx.airflow.metrics.send(metrics.MOVES, way="approved")
