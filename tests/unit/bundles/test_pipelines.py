"""The bundle with the system DAGs."""

from __future__ import annotations

from pathlib import Path

import airflow_release_plugin.pipelines
from airflow_release_plugin.bundles.pipelines import ReleasePipelinesBundle


def test_serves_the_package_folder() -> None:
    bundle = ReleasePipelinesBundle(name="release_pipelines")
    bundle.initialize()
    bundle.refresh()
    assert bundle.path == Path(airflow_release_plugin.pipelines.__file__).parent


def test_has_no_version() -> None:
    bundle = ReleasePipelinesBundle(name="release_pipelines")
    assert bundle.get_current_version() is None
    assert not bundle.supports_versioning
