"""What a list of the DAGs of a target is narrowed to: one object for page, download, REST and service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ServingState(str, Enum):
    """What Airflow does with a DAG of the target."""

    ACTIVE = "active"
    """It is served, and its schedule starts runs."""
    PAUSED = "paused"
    """It is served, and runs by hand alone."""
    NOT_SERVED = "not_served"
    """Airflow has not parsed it from the target's bundle, or does not find it there any more."""


@dataclass(frozen=True)
class TargetDagFilter:
    """
    What people narrow the list to; empty fields do not narrow.

    :param search: words of DAG id, path, or number of the release; typing errors are forgiven where nothing
        else is found
    :param released_by: login name
    :param drifted: only those of which a machine found a file that is not as it was approved
    """

    search: str = ""
    released_by: str = ""
    state: ServingState | None = None
    drifted: bool = False


EVERY_TARGET_DAG = TargetDagFilter()
"""The filter that narrows nothing."""
