"""What Airflow in a cluster needs around it: a database, a broker, a repository, a reverse proxy."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.harness.cluster.host import Host
from tests.harness.cluster.network import DATA
from tests.harness.postgres import USER, find_programs

PROGRAMS = ("nginx", "redis-server", "git")
DATABASE_URL = f"postgresql+psycopg2://{USER}@postgres/airflow"
PREFIX = "/airflow"
"""Path under which the reverse proxy serves Airflow."""
API_PORT = 8080


def why_not() -> str | None:
    """What this machine lacks; ``None`` if nothing."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    missing += [] if find_programs() else ["PostgreSQL"]
    return " and ".join(missing) or None


def start_postgres(host: Host) -> None:
    """An empty database that hosts on the data network may use, and nobody else can reach."""
    programs = find_programs()
    assert programs is not None
    data = host.place.home / "data"
    setup = ["-D", str(data), "-U", USER, "--auth=trust", "-E", "UTF8", "--no-sync"]
    done = host.run(str(programs / "initdb"), *setup)
    assert done.returncode == 0, done.stdout + done.stderr
    with (host.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all {USER} {host.network.address(host.name, DATA)}/24 trust\n")
    place = ["-k", str(host.place.home), "-h", host.network.address(host.name, DATA), "-p", "5432"]
    hurry = [part for name in ("fsync", "full_page_writes") for part in ("-c", f"{name}=off")]
    host.start("postgres", str(programs / "postgres"), "-D", str(data), *place, *hurry)
    psql = [str(programs / "psql"), "-h", str(host.place.home), "-U", USER, "-d", "postgres", "-c"]
    until("PostgreSQL", lambda: host.run(*psql, "CREATE DATABASE airflow").returncode == 0)


def start_redis(host: Host) -> None:
    """A broker that keeps nothing."""
    host.start("redis", "redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "")


def start_git(host: Host) -> None:
    """The repository that people push to and the source bundle follows."""
    home = host.place.home
    done = host.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(home / "dev.git"))
    assert done.returncode == 0, done.stderr
    options = [f"--base-path={home}", "--export-all", "--enable=receive-pack", "--reuseaddr"]
    host.start("git", "git", "daemon", *options, str(home / "dev.git"))
    address = (host.network.address(host.name), 9418)
    until("git daemon", lambda: is_open(host, *address))


def is_open(host: Host, address: str, port: int) -> bool:
    """Whether something on the network answers a host at an address."""
    connect = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
    return host.run(sys.executable, "-c", connect).returncode == 0


@dataclass
class ReverseProxy:
    """nginx on this machine, between people and the API servers: it fails over to one that answers."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "error.log"

    def start(self, desk: str, servers: list[str]) -> None:
        """
        Start it.

        :param desk: address at which the cluster's hosts reach it; people do at 127.0.0.1
        :param servers: addresses of the API servers
        """
        self.folder.mkdir()
        config = self.folder / "nginx.conf"
        config.write_text(self._config(desk, servers))
        # It is in no namespace of its own that a later run would clean up.
        ends_with_us = ["setpriv", "--pdeathsig=KILL"]
        command = [*ends_with_us, "nginx", "-p", str(self.folder), "-c", str(config), "-e", str(self.log)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        until("nginx", self._listens)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _config(self, desk: str, servers: list[str]) -> str:
        upstream = " ".join(f"server {address}:{API_PORT} fail_timeout=5s;" for address in servers)
        places = "".join(
            f"  {module}_temp_path {self.folder}/{module};\n"
            for module in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return f"""
daemon off;
user {"nobody nogroup" if os.geteuid() == 0 else ""};
worker_processes 1;
pid {self.folder}/nginx.pid;
events {{}}
http {{
  access_log {self.folder}/access.log;
{places}
  client_max_body_size 0;
  upstream airflow {{ {upstream} }}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{self.port};
    listen {desk}:{self.port};
    location {PREFIX}/ {{
      proxy_pass http://airflow;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""


def until(what: str, look: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something answers."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"{what} did not answer within {seconds:g} s"
        time.sleep(0.2)
