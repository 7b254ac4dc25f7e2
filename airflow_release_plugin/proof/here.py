"""How DAG files are run on this machine: what they may read, and how long they may take."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from airflow_release_plugin import config
from airflow_release_plugin.config.parsing_environment import parsing_environment
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.loaded_airflow import LoadedAirflow
from airflow_release_plugin.proof.private_folders import private_folders
from airflow_release_plugin.proof.runner import run_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_release_plugin.proof.report import ParseReport


@contextmanager
def running_here(
    bundle_name: str, *, limits: Limits, require_confinement: bool
) -> Iterator[Callable[..., ParseReport]]:
    """
    Give :func:`~airflow_release_plugin.proof.runner.run_files` with all that does not depend on the tree.

    Airflow is loaded once for all runs; several of them may go on at once.

    :param bundle_name: the bundle that serves, or will serve, the trees
    """
    loaded = LoadedAirflow(
        start_seconds=limits.start,
        environment=parsing_environment(),
        private=private_folders(),
        readable=sorted(config.check_folders()),
        require_confinement=require_confinement,
    )
    with loaded as airflow:
        yield partial(run_files, airflow=airflow, limits=limits, bundle_name=bundle_name)


def own_limits() -> Limits:
    """What this machine's configuration allows each file; however many there are, each has its turn."""
    return Limits(
        start=config.check_start_timeout(),
        file=config.check_file_timeout(),
        total=math.inf,
        memory_mb=config.check_memory_mb(),
    )


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
