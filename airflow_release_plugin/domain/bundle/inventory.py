"""What an import may need of this Airflow, and what of it is here. Names and versions, never values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

STUB_MARK = "Placeholder, incomplete:"
"""How the description of a connection, variable or pool begins while nobody has filled it in."""


class Kind(str, Enum):
    """What DAGs name, and what can be made here without a secret."""

    CONNECTION = "connection"
    VARIABLE = "variable"
    POOL = "pool"


class Availability(str, Enum):
    """How something that is named stands here; what is missing has none."""

    READY = "ready"
    """It is there."""
    PLACEHOLDER = "placeholder"
    """It is there by name only."""
    UNKNOWN = "unknown"
    """A secrets backend did not answer."""


@dataclass(frozen=True)
class Wanted:
    """
    What to look for, under the names that it has here.

    :param packages: distributions
    :param modules: top-level names
    """

    connections: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    dag_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Inventory:
    """
    What there is.

    :param connections: how those that were wanted and are here stand; ``variables`` likewise
    :param pools: all of them
    :param queues: those that tasks went to lately, and the default one; Airflow keeps no list of queues
    :param executors: aliases, class names and module paths of those that are configured
    :param packages: versions of those that were wanted and are installed
    :param modules: those that were wanted and can be found; none is imported
    :param served: names of the bundles by the ids of their active DAGs
    :param produced: names and URIs of the assets that tasks of active DAGs produce
    :param illegal_ids: what Airflow has against those of the wanted ids that it would refuse
    """

    airflow_version: str
    python_version: str
    connections: Mapping[str, Availability] = field(default_factory=dict)
    variables: Mapping[str, Availability] = field(default_factory=dict)
    pools: Mapping[str, Availability] = field(default_factory=dict)
    queues: frozenset[str] = frozenset()
    executors: frozenset[str] = frozenset()
    packages: Mapping[str, str] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    served: Mapping[str, str] = field(default_factory=dict)
    produced: frozenset[str] = frozenset()
    illegal_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def standings(self) -> dict[Kind, Mapping[str, Availability]]:
        """How things stand, by their kind and their name here."""
        return {Kind.CONNECTION: self.connections, Kind.VARIABLE: self.variables, Kind.POOL: self.pools}


def availability(description: str | None) -> Availability:
    """How something with this description stands."""
    return Availability.PLACEHOLDER if (description or "").startswith(STUB_MARK) else Availability.READY
