"""Whether a version was tried in dev: which run of each of its DAGs read exactly its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.release.dev_runs import DevRun


@dataclass(frozen=True)
class Trial:
    """
    One DAG of a version.

    :param dag_id: in the target
    :param run: the newest successful run of exactly these files, else the newest that failed
    :param read: how many of the version's files it read
    """

    dag_id: str
    run: DevRun | None = None
    read: int = 0

    @property
    def is_success(self) -> bool:
        """Whether a run of exactly these files ended well."""
        return self.run is not None and self.run.is_success

    def is_since(self, moment: datetime) -> bool:
        """Whether such a run ended well, and not before ``moment``."""
        return self.run is not None and self.run.is_success and (self.run.ended or self.run.began) >= moment


def trials(
    dag_file: str, files: Mapping[str, str], runs: Mapping[str, Iterable[DevRun]]
) -> tuple[Trial, ...]:
    """
    One for each DAG.

    :param dag_file: path of the version's DAG file
    :param files: git blob ids of the version by path
    :param runs: by DAG id in the target, the newest first
    """
    return tuple(_trial(dag_id, dag_file, files, known) for dag_id, known in sorted(runs.items()))


def _trial(dag_id: str, dag_file: str, files: Mapping[str, str], runs: Iterable[DevRun]) -> Trial:
    exact = [run for run in runs if run.tried(dag_file, files)]
    best = next((run for run in exact if run.is_success), exact[0] if exact else None)
    return Trial(dag_id, best, len(best.files) if best else 0)
