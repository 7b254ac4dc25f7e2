from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

Parse = Callable[..., "DagBag"]
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Two local bundles, ``dev`` (the source) and ``prod``, and the storage of all others."""
    folders = {name: tmp_path / name for name in ("dev", "prod", "storage")}
    for folder in folders.values():
        folder.mkdir()
    configured = [
        {"name": name, "classpath": LOCAL, "kwargs": {"path": str(folders[name])}} for name in ("dev", "prod")
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(folders["storage"]))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_BUNDLE", "dev")
    return folders


@pytest.fixture
def parse(bundles: dict[str, Path]) -> Parse:
    """Write a DAG file into a bundle and parse the bundle as Airflow does."""

    def write_and_parse(code: str, *, bundle: str = "dev", root: Path | None = None) -> DagBag:
        from airflow.dag_processing.dagbag import DagBag

        folder = root or bundles[bundle]
        (folder / "flow.py").write_text(code)
        return DagBag(folder, bundle_path=folder, bundle_name=bundle)

    return write_and_parse
