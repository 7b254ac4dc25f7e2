from __future__ import annotations

import logging
import time
from threading import Event

import pytest
from sqlalchemy import Engine

from airflow_release_plugin import version_compat
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.server import startup


@pytest.mark.usefixtures("own_engine")
@pytest.mark.parametrize(("version", "is_told"), [("3.3.2", False), ("3.2.9", False), ("3.4.0", True)])
def test_an_airflow_that_was_not_tested_is_said_at_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: str, is_told: bool
) -> None:
    monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", version)

    with caplog.at_level(logging.WARNING, logger=startup.__name__):
        startup.prepare()

    told = [line for line in caplog.messages if "was not tested" in line]
    expected = (
        f"Airflow {version} was not tested with this version of Airflow Release; tested are 3.2 and 3.3. It "
        "may work; health says so too"
    )
    assert told == ([expected] if is_told else [])


def test_a_setting_that_makes_no_sense_is_logged(
    monkeypatch: pytest.MonkeyPatch, own_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", "banana")

    startup.prepare()

    assert "[release] role has an unknown value" in caplog.text


@pytest.mark.parametrize("interval", ["10m", "inf", "nan", "1e300", "soon", "1:30"])
@pytest.mark.parametrize("name", ["drift_interval", "notify_interval", "clean_interval"])
def test_an_interval_that_is_none_stops_nothing_and_is_logged(
    monkeypatch: pytest.MonkeyPatch,
    own_engine: Engine,
    caplog: pytest.LogCaptureFixture,
    name: str,
    interval: str,
) -> None:
    usual = [(task.name, task.pause) for task in startup.periodic_tasks()]
    monkeypatch.setenv(f"AIRFLOW__RELEASE__{name.upper()}", interval)

    startup.prepare()

    assert [(task.name, task.pause) for task in startup.periodic_tasks()] == usual
    assert f"[release] {name} has an unknown value" in caplog.text


@pytest.mark.parametrize(("interval", "looks"), [("0.01", True), ("0", False)])
def test_a_server_looks_for_notifications_while_it_runs_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, interval: str, looks: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__NOTIFY_INTERVAL", interval)
    monkeypatch.setattr(startup, "prepare", lambda: None)
    looked = Event()
    monkeypatch.setattr(delivery, "run_once", lambda **_: looked.set())
    stop = Event()

    startup.begin(stop)

    assert looked.wait(5 if looks else 0.5) is looks
    stop.set()
    time.sleep(0.1)
    looked.clear()
    assert not looked.wait(0.2)
