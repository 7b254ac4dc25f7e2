"""What a list of releases is narrowed to: one object for page, download, REST, command and service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.states import ReleaseState


@dataclass(frozen=True)
class ReleaseFilter:
    """
    What people narrow a list of releases to; empty fields do not narrow.

    :param state: the effective one
    :param search: words of title or number; typing errors are forgiven where nothing else is found
    :param requested_by: login name, as in ``released_by``
    :param dag_id: in source or target; the release contains its unit
    :param requested_after: from then on; ``…_before`` ends just before its moment
    """

    state: ReleaseState | None = None
    kind: ReleaseKind | None = None
    search: str = ""
    requested_by: str = ""
    released_by: str = ""
    dag_id: str = ""
    requested_after: datetime | None = None
    requested_before: datetime | None = None
    released_after: datetime | None = None
    released_before: datetime | None = None


EVERY_RELEASE = ReleaseFilter()
"""The filter that narrows nothing."""
