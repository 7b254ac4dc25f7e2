from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin import version_compat
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.runtime import audit, unit_of_work
from airflow_release_plugin.services.server import startup
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.store.git import GitReleaseStore
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, World, make_world


@pytest.fixture
def store_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session_factory: sessionmaker[Session]
) -> Path:
    """Where the configured store is to be; nothing is there yet."""
    path = tmp_path / "release" / "store.git"
    monkeypatch.setenv("AIRFLOW__RELEASE__STORE_PATH", str(path))
    return path


@pytest.fixture
def interrupted(
    store_path: Path,
    session_factory: sessionmaker[Session],
    tmp_path: Path,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A release whose promotion ended with its intent; the process that did it is gone."""
    store = GitReleaseStore(store_path)
    store.ensure()
    with session_factory() as session:
        world = make_world(session, store, tmp_path / "source", clock)
        release = world.approved(world.dag("etl"))
        session.commit()
        with monkeypatch.context() as patches:
            patches.setattr(
                "airflow_release_plugin.services.promotion.promotions._finish", lambda *_, **__: None
            )
            world.promote(release)
    with session_factory() as fresh:
        yield world.with_session(fresh)


@pytest.mark.parametrize(("version", "is_told"), [("3.3.2", False), ("3.2.9", False), ("3.4.0", True)])
def test_an_airflow_that_was_not_tested_is_said_at_start(
    store_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: str,
    is_told: bool,
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


def test_a_fresh_installation_gets_a_store(store_path: Path) -> None:
    startup.prepare()

    assert GitReleaseStore(store_path).ref(environment_ref("prod")) is None


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_servers_that_start_at_once_finish_it_once(interrupted: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: startup.prepare(), range(4)))

    events = audit.list_events(interrupted.ctx, actor=ADMIN).items
    assert [event.tag for event in events].count(EventTag.ENVIRONMENT_PROMOTED) == 1
    assert audit.first_broken_link(interrupted.ctx) is None


def test_a_store_that_was_lost_is_not_made_anew(
    interrupted: World, store_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store_path.rename(store_path.with_name("elsewhere"))

    startup.prepare()

    assert not store_path.exists()
    assert "does not exist" in caplog.text
    assert [record.exc_info for record in caplog.records if record.levelno == logging.ERROR] == [None]


def test_a_folder_that_cannot_be_made_is_logged(store_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # A file where the folder should be stops root, too.
    store_path.parent.write_text("")

    startup.prepare()

    assert "Airflow Release is not ready" in caplog.text


def test_a_slow_store_does_not_hold_up_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()
    monkeypatch.setattr(unit_of_work, "open_store", lambda _session: answered.wait(60))

    with TestClient(FastAPI(lifespan=startup.at_start)):
        assert not answered.is_set()
        answered.set()


@pytest.mark.parametrize(("interval", "looks"), [("0.01", True), ("0", False)])
def test_a_server_looks_for_notifications_while_it_runs_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, interval: str, looks: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__NOTIFY_INTERVAL", interval)
    monkeypatch.setattr(startup, "prepare", lambda: None)
    looked = Event()
    monkeypatch.setattr(delivery, "run_once", lambda **_: looked.set())

    with TestClient(FastAPI(lifespan=startup.at_start)):
        assert looked.wait(5 if looks else 0.5) is looks

    time.sleep(0.1)
    looked.clear()
    assert not looked.wait(0.2)
