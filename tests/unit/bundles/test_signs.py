"""A machine that serves an environment says so now and then, and serves whatever comes of that."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest

from airflow_release_plugin.bundles.keeper import BundleKeeper
from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.domain.release.machines import SIGN_PAUSE, MachineSign
from airflow_release_plugin.exceptions import NotAuthenticatedError
from tests.unit.bundles.test_release import ONE, TWO, Site, files_of, site

__all__ = ["site"]
pytestmark = pytest.mark.req("R76")


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__HOSTNAME_CALLABLE", "tests.unit.bundles.test_signs.hostname")


def hostname() -> str:
    return "machine-7.example.org"


class Server:
    """An API server that writes down who asks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.signs: list[MachineSign] = []
        self.error = error

    def head(self, environment: str, sign: MachineSign) -> str:
        assert environment == "prod"
        self.signs.append(sign)
        if self.error:
            raise self.error
        return "c" * 40


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """What a task asks, which has no database."""
    made = Server()

    def api_server(_keeper: BundleKeeper, **how: Any) -> Server:
        assert how == {"once": True}, "nobody waits for the answer"
        return made

    monkeypatch.setattr(BundleKeeper, "_api_server", api_server)
    return made


def becomes_a_task(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")


def time_passes(site: Site, seconds: float = SIGN_PAUSE + 1) -> None:
    """Let so much time have passed since the machine's last sign."""
    file = site.storage / "prod" / "sign_due"
    moment = file.stat().st_mtime - seconds
    os.utime(file, (moment, moment))


def test_a_dag_processor_gives_one_with_each_look_and_at_its_own_pace(site: Site) -> None:
    bundle = ReleaseDagBundle(name="prod", refresh_interval=120)
    bundle.initialize()
    tip = site.promote(ONE)
    bundle.refresh()
    bundle.refresh()

    assert {(sign.host, sign.pause) for sign in site.source.signs} == {("machine-7.example.org", 120)}
    assert [sign.serves for sign in site.source.signs][-2:] == [tip, tip]
    assert site.source.signs[0].serves == ""


def test_what_is_shown_of_it_is_what_it_has_switched_to(site: Site) -> None:
    site.promote(ONE)
    bundle = site.serving()
    newer = site.promote(TWO)

    bundle.refresh()

    assert site.source.signs[-1].serves == newer


def test_a_task_whose_version_is_on_disk_gives_one_in_five_minutes(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = site.promote(ONE)
    site.serving(tip)
    becomes_a_task(monkeypatch)
    site.serving(tip)
    assert server.signs == []  # it was heard from when it fetched that

    time_passes(site)
    for _ in range(50):
        assert files_of(site.serving(tip).path) == ONE
    assert server.signs == [MachineSign("machine-7.example.org", tip, SIGN_PAUSE)]

    time_passes(site)
    site.serving(tip)
    assert len(server.signs) == 2


def test_the_dag_processor_of_the_machine_gives_it_for_its_tasks(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = site.promote(ONE)
    site.serving()
    site.serving(tip)
    becomes_a_task(monkeypatch)

    site.serving(tip)

    assert server.signs == []


@pytest.mark.parametrize("error", [NotAuthenticatedError("The password is wrong."), ValueError("broken")])
def test_a_server_that_cannot_be_asked_keeps_nobody_from_what_is_on_disk(
    site: Site,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    tip = site.promote(ONE)
    site.serving(tip)
    becomes_a_task(monkeypatch)
    time_passes(site)
    server.error = error

    with caplog.at_level(logging.WARNING):
        assert files_of(site.serving(tip).path) == ONE
        assert files_of(site.serving(tip).path) == ONE

    (line,) = [line for line in caplog.messages if "from this machine's disk" in line]
    assert tip in line
    assert str(error) in line
