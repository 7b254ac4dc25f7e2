from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest

from tests.unit.client.server import ReleaseServer, connection_to, running_server


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with running_server() as running, connection_to(running):
        yield running


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return target.getvalue()
