from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from tests.unit.client.server import ReleaseServer, running_server

QUICK = Backoff(first=0.01, cap=0.02, total=0.1)


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def make_client(server: ReleaseServer) -> Iterator[Callable[..., ReleaseClient]]:
    made: list[ReleaseClient] = []

    def make(login: str = "svc", password: str = "s3cret", backoff: Backoff = QUICK) -> ReleaseClient:
        made.append(
            ReleaseClient(ClientSettings(server.url, login=login, password=password), backoff=backoff)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., ReleaseClient]) -> ReleaseClient:
    return make_client()
