"""API servers as Airflow starts them: processes of their own on one database, as behind a load balancer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from demo.instance import free_port

API = "/release/api/v1"
_START_SECONDS = 240
"""For what hangs; how long a start takes says nothing."""


@contextmanager
def api_servers(count: int, database: str, folder: Path) -> Iterator[list[str]]:
    """
    Run API servers for the length of a ``with`` block, with this process' settings.

    :param database: URL of a migrated database
    :param folder: where each writes its log, ``api-server-1.log`` and so on
    :return: addresses of their REST API, once all of them answer
    """
    with ExitStack() as stack:
        started = [
            stack.enter_context(_server(database, folder / f"api-server-{number + 1}.log"))
            for number in range(count)
        ]
        for process, address, log in started:
            _wait(process, address, log)
        yield [address for _, address, _ in started]


@contextmanager
def _server(database: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    port = free_port()
    command = ["api-server", "--apps", "core", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *command],
            env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, f"http://127.0.0.1:{port}{API}", log
    finally:
        # They keep nothing that an orderly end would have to save, and that may take long.
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"An API server did not start:\n{log.read_text(errors='replace')[-5000:]}")
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", trust_env=False, timeout=10).status_code == 200
    except httpx.TransportError:
        return False
