"""What stays on the disk of a machine when Airflow has removed versions that no task uses."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.store import serving
from tests.harness.context import World
from tests.harness.serving import Serve

pytestmark = pytest.mark.req("R93")


def cached(bundle: ReleaseDagBundle, blob: str) -> Path:
    return bundle.base_dir / "blobs" / blob[0] / blob[1:]


def blob_of(world: World, path: str) -> str:
    return world.store.files(world.head)[path].blob


def a_day_later(bundle: ReleaseDagBundle) -> None:
    os.utime(bundle.base_dir / "swept", (0, 0))


@pytest.fixture(params=["links", "copies"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can link files, and one that cannot."""
    if request.param == "copies":

        def refused(*_: object, **__: object) -> None:
            raise OSError(next(iter(serving._CANNOT_LINK)), "no links")

        monkeypatch.setattr(serving.os, "link", refused)


@pytest.mark.usefixtures("disk")
def test_files_that_only_removed_versions_had_go_a_day_later(world: World, serve: Serve) -> None:
    world.released(world.dag("etl", lines="first = 1"))
    old, first = blob_of(world, "etl.py"), serve(world.head)
    world.released(world.dag("etl", lines="second = 2"))
    shared, second = blob_of(world, "etl.py"), serve(world.head)
    assert cached(first, old).is_file()
    shutil.rmtree(first.path)  # as Airflow does with what no task has used for long

    world.released(world.dag("other"))
    serve(world.head)
    assert cached(first, old).is_file()
    a_day_later(first)
    world.released(world.dag("more"))
    third = serve(world.head)

    assert not cached(first, old).exists()
    assert cached(first, shared).is_file()
    assert (second.path / "etl.py").is_file()
    assert sorted(path.name for path in third.path.glob("*.py")) == ["etl.py", "more.py", "other.py"]
