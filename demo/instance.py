"""A running demo: started, watched until everything is up, and stopped."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

import airflow_release_plugin
from demo.processes import AirflowProcesses, wait_until
from demo.settings import HOST, USERS, DemoSettings, DemoUser

START_SECONDS = 240
PARSE_SECONDS = 60

Say = Callable[[str], None]


class DemoError(Exception):
    """Raised when the demo cannot start or a part of it died; the message says what to do."""


@dataclass
class DemoInstance:
    """A demo that is up."""

    settings: DemoSettings
    processes: AirflowProcesses
    users: Mapping[str, DemoUser] = field(default_factory=lambda: {user.name: user for user in USERS})

    @property
    def url(self) -> str:
        """Where to open it."""
        return self.settings.url

    def token(self, user: str) -> str:
        """A fresh token for one of :attr:`users`."""
        credentials = {"username": user, "password": self.users[user].password}
        answer = httpx.post(f"{self.url}/auth/token", json=credentials, trust_env=False, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, user: str) -> httpx.Client:
        """An HTTP client that is logged in as one of :attr:`users`."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    def is_answering(self) -> bool:
        """Whether the API server answers."""
        with suppress(httpx.TransportError):
            url = f"{self.url}/api/v2/monitor/health"
            return httpx.get(url, trust_env=False, timeout=5).is_success
        return False

    def stop(self) -> None:
        """Stop every process."""
        self.processes.stop()

    def check(self) -> None:
        """Raise ``DemoError`` with the end of its log when a component died."""
        for component, code in self.processes.failed().items():
            raise DemoError(
                f"{component} ended with code {code}. The end of {self.processes.log(component)}:\n"
                f"{self.processes.tail(component)}"
            )


@contextmanager
def running_demo(
    home: Path,
    port: int | None = None,
    dags: Path | None = None,
    *,
    options: Mapping[str, str] | None = None,
    before_start: Callable[[DemoInstance], None] = lambda _: None,
    say: Say = lambda _: None,
) -> Iterator[DemoInstance]:
    """
    Run a demo for the length of a ``with`` block.

    :param home: its ``AIRFLOW_HOME``; an existing one is continued
    :param port: port on 127.0.0.1; a free one if ``None``
    :param dags: the folder that people edit; a copy of the example DAGs if ``None``
    :param options: options of Airflow that are to be different, by ``section.key``
    :param before_start: called once the database is ready, before any component runs
    :param say: takes a line of progress
    """
    settings = DemoSettings(home.resolve(), port or free_port(), dags and dags.resolve(), options or {})
    _refuse_bad_settings(settings)
    settings.prepare()
    processes = AirflowProcesses(settings.environment(), settings.home)
    instance = DemoInstance(settings, processes)
    try:
        _migrate(instance, say)
        before_start(instance)
        _start(instance, say)
        yield instance
    finally:
        instance.stop()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _refuse_bad_settings(settings: DemoSettings) -> None:
    if settings.dags is not None and not settings.dags.is_dir():
        raise DemoError(
            f"DEMO_DAGS={settings.dags} is not a folder. Name the folder that holds your DAG files."
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, settings.port))
        except OSError:
            raise DemoError(
                f"Port {settings.port} is in use. Stop what listens there, or choose another: "
                f"PORT={free_port()} make demo"
            ) from None


def _schema_stamp() -> str:
    """What the schema depends on; while it stays the same, a further start need not migrate."""
    digest = hashlib.sha256(f"{version('apache-airflow-core')} {airflow_release_plugin.__version__}".encode())
    for file in sorted(Path(airflow_release_plugin.__file__).parent.glob("migrations/versions/*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _migrate(instance: DemoInstance, say: Say) -> None:
    stamp_file, stamp = instance.settings.home / "migrated", _schema_stamp()
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    say("creating or upgrading the database (airflow db migrate)")
    if instance.processes.run("db", "migrate", name="migrate"):
        log = instance.processes.log("migrate")
        raise DemoError(f"airflow db migrate failed. The end of {log}:\n{instance.processes.tail('migrate')}")
    stamp_file.write_text(stamp)


def _start(instance: DemoInstance, say: Say) -> None:
    since = datetime.now(timezone.utc)
    say("starting api-server, scheduler, dag-processor and triggerer")
    instance.processes.start()
    waiting_for: set[str] = set()

    def is_up() -> bool:
        nonlocal waiting_for
        instance.check()
        missing = _not_up(instance, since)
        for part in sorted(waiting_for - missing):
            say(f"{part} is up")
        waiting_for = missing
        return not missing

    waiting_for = {"api-server", "scheduler", "dag-processor", "triggerer"}
    if not wait_until(is_up, seconds=START_SECONDS):
        names = ", ".join(sorted(waiting_for))
        logs = instance.settings.logs
        raise DemoError(f"Not up after {START_SECONDS} s: {names}. The logs in {logs} say why.")
    _wait_for_dags(instance, say)


def _not_up(instance: DemoInstance, since: datetime) -> set[str]:
    """Components without a heartbeat since the start; all of them while the API server does not answer."""
    parts = {"scheduler", "dag-processor", "triggerer"}
    health: dict[str, Any] = {}
    with suppress(httpx.TransportError, ValueError):
        answer = httpx.get(f"{instance.url}/api/v2/monitor/health", trust_env=False, timeout=5)
        health = answer.json() if answer.is_success else {}
    if not health:
        return {"api-server", *parts}
    return {part for part in parts if not _beats(health[part.replace("-", "_")], part, since)}


def _beats(health: dict[str, Any], part: str, since: datetime) -> bool:
    beat = health.get(f"latest_{part.replace('-', '_')}_heartbeat")
    return beat is not None and datetime.fromisoformat(beat.replace("Z", "+00:00")) >= since


def _wait_for_dags(instance: DemoInstance, say: Say) -> None:
    """Until the first DAG of the source shows; a folder without any is no reason to fail."""
    if not any(instance.settings.source.rglob("*.py")):
        return
    started = time.monotonic()
    with instance.client("admin") as client:

        def is_parsed() -> bool:
            instance.check()
            dags = client.get("/api/v2/dags", params={"limit": 1}).json()
            errors = client.get("/api/v2/importErrors", params={"limit": 1}).json()
            return bool(dags["total_entries"] or errors["total_entries"])

        if wait_until(is_parsed, seconds=PARSE_SECONDS):
            say(f"first DAG parsed after {time.monotonic() - started:.1f} s more")
        else:
            say(f"no DAG of {instance.settings.source} was parsed yet")
