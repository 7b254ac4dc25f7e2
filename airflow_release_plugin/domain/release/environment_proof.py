"""Whether what an environment serves is what its code makes, DAG by DAG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Standing(str, Enum):
    """How the DAG that Airflow serves stands to the one that the code makes."""

    EQUAL = "equal"
    """Both are the same."""
    DIFFERENT = "different"
    """Airflow would run something else than the code makes now."""
    BROKEN = "broken"
    """The file does not run, or reads what no approval covers."""
    MISSING = "missing"
    """Airflow serves it and the code makes none, or the code makes it and Airflow serves none."""
    UNSTEADY = "unsteady"
    """It differs; but it does so from run to run, too: random values, the clock."""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to look."""
        return self not in {Standing.EQUAL, Standing.UNSTEADY}


@dataclass(frozen=True)
class SerializedDag:
    """
    A DAG as a dag processor has stored it.

    :param version: bundle version that its code was parsed at last
    :param data: as Airflow serialises it, with where it lay
    """

    dag_id: str
    path: str
    version: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class ServedDag:
    """
    A DAG that Airflow serves.

    :param version: commit that Airflow has parsed it at; empty where it does not say
    :param digest: SHA-256 of it as Airflow serialises it, without where it lies
    """

    dag_id: str
    path: str
    version: str
    digest: str


@dataclass(frozen=True)
class ServedDags:
    """
    What an environment serves.

    :param version: commit that the environment is at
    :param dag_files: ids of the DAGs that were released, or that Airflow serves, by path
    :param errors: why Airflow could not import a file, by path
    """

    environment: str
    version: str
    dag_files: Mapping[str, tuple[str, ...]]
    dags: tuple[ServedDag, ...]
    errors: Mapping[str, str]


@dataclass(frozen=True)
class ProvenDag:
    """
    One DAG after its file was run.

    :param dag_id: empty for a file that does not run and serves none
    :param detail: what is wrong, for people; empty where nothing is
    """

    dag_id: str
    path: str
    standing: Standing
    detail: str = ""

    @property
    def sentence(self) -> str:
        """What is to be said about it in one line."""
        name = f"{self.dag_id} ({self.path})" if self.dag_id else self.path
        return f"{name}: {self.standing.value}. {' '.join(self.detail.split())}".rstrip()


def wrong(dags: Iterable[ProvenDag]) -> list[ProvenDag]:
    """Those that somebody has to look at, in their order."""
    return [dag for dag in dags if dag.standing.is_wrong]
