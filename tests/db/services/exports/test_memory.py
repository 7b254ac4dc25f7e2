"""Making a bundle takes no more memory the larger it is: counted by Python, in a process of its own."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.states import ExportState
from tests.harness.clock import FrozenClock
from tests.harness.context import World, make_world
from tests.harness.exports import ask, with_transfers

pytestmark = pytest.mark.req("R50")
MEGABYTE = 1024 * 1024
FILE = 2 * MEGABYTE


@pytest.fixture
def world(session_factory: sessionmaker[Session], tmp_path: Path, clock: FrozenClock) -> Iterator[World]:
    """An installation on disk that other processes can open too."""
    with session_factory() as session:
        yield with_transfers(make_world(session, tmp_path / "source", clock), tmp_path)


def memory_of_export(world: World, engine: Engine, files: int) -> int:
    """Bytes that a server needs for a released DAG with so many data files."""
    folder, name = world.twin.root.parent, f"large_{files}"
    parts = [f"{name}/part{number}.txt" for number in range(files)]
    for number, part in enumerate(parts):
        world.write(part, random.Random(number).randbytes(FILE // 2).hex())
    listed = ", ".join(f'"{part}"' for part in parts)
    code = f"from pathlib import Path\nPARTS = [Path(__file__).parent / n for n in ({listed},)]"
    world.released(world.dag(name, code))
    row = ask(world, name)
    world.ctx.session.commit()
    command = [sys.executable, "-m", "tests.harness.export_memory_probe", str(engine.url), str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    world.ctx.session.refresh(row)
    assert row.state is ExportState.READY, row.error
    # Hexadecimal digits of random bytes shrink to half.
    assert (row.file_size or 0) > files * FILE // 2
    return int(done.stdout.splitlines()[-1])


def test_a_bundle_of_many_times_the_size_takes_the_same_memory(world: World, own_engine: Engine) -> None:
    small = memory_of_export(world, own_engine, 1)
    large = memory_of_export(world, own_engine, 8)

    # One file is on its way in while the last one goes out; seven more would be held otherwise.
    assert large < small + 2 * FILE, (small, large)
