"""Runs of dev copies, as their tasks would have told of them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow_release_plugin.domain.release.dev_runs import DevRun, TaskReads
from airflow_release_plugin.domain.tree.files import blob_id

BEGAN = datetime(2026, 11, 29, 10, 12, tzinfo=timezone.utc)


def blobs(root: Path, *paths: str) -> dict[str, str]:
    """Git blob ids of files as they are now."""
    return {path: blob_id((root / path).read_bytes()) for path in paths}


def dev_run(files: dict[str, str], dag_id: str = "dev.etl", *, at: datetime = BEGAN, **more: Any) -> DevRun:
    """A run that read these files in its only task, and ended well unless ``more`` says otherwise."""
    values = {"run_id": "manual__1", "state": "success", "tasks": (TaskReads("load", files),), **more}
    return DevRun(dag_id=dag_id, began=at, ended=at, **values)
