"""Runs DAG files as a check does; tests that ask for nothing special share one loaded Airflow."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from airflow_release_plugin.proof import runner
from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
from airflow_release_plugin.proof.report import ParseReport

_OF_LOADING = {"start_seconds", "python", "environment", "private", "readable", "require_confinement"}


def run_files(tree: Path, dag_files: Sequence[str], **options: Any) -> ParseReport:
    """Run files of a tree; options are those of :class:`LoadedAirflow` and of ``runner.run_files``."""
    loading = {name: options.pop(name) for name in _OF_LOADING & options.keys()}
    with ExitStack() as stack:
        airflow = stack.enter_context(LoadedAirflow(**loading)) if loading else _shared()
        return runner.run_files(tree, dag_files, airflow=airflow, **options)


@cache
def _shared() -> LoadedAirflow:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(LoadedAirflow())
