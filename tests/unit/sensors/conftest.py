from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.client.server import ReleaseServer, connection_to, running_server


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with running_server() as running, connection_to(running):
        yield running
