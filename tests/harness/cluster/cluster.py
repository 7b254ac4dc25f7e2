"""An Airflow on many hosts, as Kubernetes or Celery have it: they share the network and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx

from demo.instance import free_port
from demo.settings import USERS, DemoUser
from tests.harness.cluster import network as networks
from tests.harness.cluster import services
from tests.harness.cluster.airflow import API_SERVERS, PARTS, Settings, airflow
from tests.harness.cluster.host import Host, Place
from tests.harness.cluster.network import DATA, FRONT, Network

_AROUND = {"postgres": (DATA,), "redis": (FRONT,), "code": (FRONT,)}
_BEATING = ("scheduler", "dag_processor", "triggerer")
_START_SECONDS = 180


def why_not() -> str | None:
    """What this machine lacks for a cluster; ``None`` if nothing."""
    return networks.why_not() or services.why_not()


@dataclass
class Cluster:
    """A cluster that is up; tests use it as they use a demo."""

    place: Place
    network: Network
    settings: Settings
    proxy: services.ReverseProxy
    hosts: dict[str, Host] = field(default_factory=dict)
    users: Mapping[str, DemoUser] = field(default_factory=lambda: {user.name: user for user in USERS})

    @property
    def url(self) -> str:
        """Where people open it."""
        return self.settings.url

    def token(self, user: str) -> str:
        """A fresh token for somebody."""
        credentials = {"username": user, "password": self.settings.passwords[user]}
        answer = httpx.post(f"{self.url}/auth/token", json=credentials, trust_env=False, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, user: str) -> httpx.Client:
        """An HTTP client that is logged in as somebody."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    def check(self) -> None:
        """Raise when something ended that nobody ended."""
        for host in self.hosts.values():
            for component, code in host.failed().items():
                raise RuntimeError(
                    f"{component} of {host.name} ended with {code}:\n{tail(host.log(component))}"
                )

    def logs(self) -> dict[str, str]:
        """The ends of all logs, by where they are."""
        found = {str(path.relative_to(self.place.machines)): tail(path, 60) for path in self._log_files()}
        return {**found, "nginx": tail(self.proxy.log)}

    def _log_files(self) -> list[Path]:
        return sorted(path for host in self.hosts.values() for path in (host.folder / "logs").rglob("*.log"))

    def push(self, files: Mapping[str, str], message: str) -> None:
        """Change files of the source as people do: commit and push."""
        desk = self.place.folder / "desk"
        for path, text in files.items():
            (desk / path).parent.mkdir(parents=True, exist_ok=True)
            (desk / path).write_text(text)
        _git(desk, "add", "--all")
        _git(desk, "-c", "user.name=dev", "-c", "user.email=dev@example.org", "commit", "-qm", message)
        _git(desk, "push", "-q", f"git://{self.network.address('code')}/dev.git", "HEAD:main")

    def start(self, name: str) -> None:
        """Start a host's part of Airflow."""
        self.hosts[name].start(name, *airflow(*PARTS[name].command))

    def answers(self, name: str) -> bool:
        """Whether an API server answers the others."""
        address = self.network.address(name)
        return services.is_open(self.hosts["worker"], address, services.API_PORT)

    def beats(self) -> dict[str, Any]:
        """What Airflow says of its parts; empty while it does not answer."""
        with suppress(httpx.TransportError, ValueError):
            answer = httpx.get(f"{self.url}/api/v2/monitor/health", trust_env=False, timeout=5)
            return dict(answer.json()) if answer.is_success else {}
        return {}


@contextmanager
def running_cluster(files: Mapping[str, str], say: Callable[[str], None]) -> Iterator[Cluster]:
    """
    Run a cluster for the length of a ``with`` block.

    :param files: the source to begin with, text by path
    :param say: takes a line of progress
    """
    # Not below pytest's folder, which is closed to all other users.
    folder = Path(tempfile.mkdtemp(prefix="release-cluster-"))
    folder.chmod(0o755)
    place, port = Place(folder), free_port()
    settings = Settings(place.home, port)
    cluster = Cluster(place, Network(), settings, services.ReverseProxy(folder / "nginx", port))
    try:
        _build(cluster)
        _start_around(cluster, files)
        say("the network, PostgreSQL, Redis, git and nginx are up")
        _migrate(cluster)
        say("the database is migrated")
        _start_airflow(cluster)
        say("Airflow is up")
        yield cluster
    finally:
        for host in cluster.hosts.values():
            host.kill()
        cluster.proxy.stop()
        cluster.network.close()
        shutil.rmtree(folder)


def _build(cluster: Cluster) -> None:
    """Hosts and cables."""
    cluster.place.prepare()
    cluster.network.open()
    for name, on in _AROUND.items():
        _add(cluster, name, on, cluster.settings.plain_environment(name))
    for name, part in PARTS.items():
        _add(cluster, name, part.networks, cluster.settings.environment(name))
    names = {name: cluster.network.address(name) for name in cluster.hosts}
    names |= {"postgres": cluster.network.address("postgres", DATA), "edge": cluster.network.desk}
    cluster.place.write_names(cluster.network, names)
    for name in API_SERVERS:
        (cluster.hosts[name].folder / "passwords.json").write_text(
            json.dumps(dict(cluster.settings.passwords))
        )
    for host in cluster.hosts.values():
        host.own()


def _add(cluster: Cluster, name: str, on: tuple[str, ...] | Any, environment: Mapping[str, str]) -> None:
    cluster.network.add(name, on)
    cluster.hosts[name] = Host(name, cluster.place, cluster.network, environment)
    cluster.hosts[name].prepare()


def _start_around(cluster: Cluster, files: Mapping[str, str]) -> None:
    services.start_redis(cluster.hosts["redis"])
    services.start_git(cluster.hosts["code"])
    servers = [cluster.network.address(name) for name in API_SERVERS]
    cluster.proxy.start(cluster.network.desk, servers)
    services.start_postgres(cluster.hosts["postgres"])
    (cluster.place.folder / "desk").mkdir()
    _git(cluster.place.folder / "desk", "init", "-q", "--initial-branch=main")
    cluster.push(files, "The first Dags")


def _migrate(cluster: Cluster) -> None:
    done = cluster.hosts["api-1"].run(*airflow("db", "migrate"))
    assert done.returncode == 0, done.stdout + done.stderr


def _start_airflow(cluster: Cluster) -> None:
    since = datetime.now(timezone.utc)
    for name in PARTS:
        cluster.start(name)
    deadline = time.monotonic() + _START_SECONDS
    while missing := _not_up(cluster, since):
        cluster.check()
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"Not up after {_START_SECONDS} s: {', '.join(missing)}\n\n{printed(cluster.logs())}"
            )
        time.sleep(0.5)


def _not_up(cluster: Cluster, since: datetime) -> list[str]:
    silent = [name for name in API_SERVERS if not cluster.answers(name)]
    beats = cluster.beats()
    if silent or not beats:
        return silent or ["the reverse proxy"]
    last = {part: beats[part].get(f"latest_{part}_heartbeat") for part in _BEATING}
    return [
        part
        for part, beat in last.items()
        if beat is None or datetime.fromisoformat(beat[:19] + "+00:00") < since
    ]


def _git(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a log."""
    with suppress(FileNotFoundError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


def printed(logs: Mapping[str, str]) -> str:
    """Logs as one text."""
    return "\n\n".join(f"--- {name}\n{text}" for name, text in logs.items())
