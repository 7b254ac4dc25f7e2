"""What the use cases ask of Airflow. ``airflow_internals`` answers; tests may answer from memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

from airflow_release_plugin.domain.bundle.inventory import Inventory, Kind, Wanted
from airflow_release_plugin.domain.bundle_folders import BundleFolder, ServingFolders, SourceSnapshot
from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.observed_ports import AirflowLogPort, MetricsPort
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.domain.release.environment_proof import SerializedDag
from airflow_release_plugin.domain.release.lost_runs import Beats, PipelineRun
from airflow_release_plugin.domain.tasks import TaskKey, TaskOperator, TaskRecord


class DagAccess(str, Enum):
    """What somebody wants to do with a DAG in Airflow's own terms."""

    READ = "read"
    """See that the DAG exists and its runs (``GET``)."""
    READ_CODE = "read_code"
    """See its source (``GET`` on the code entity)."""
    EDIT = "edit"
    """Change it (``PUT``): the right that submitting requires."""


@dataclass(frozen=True)
class DagFacts:
    """
    What Airflow's dag processor found out about one DAG.

    :param dag_id: id in this Airflow (a source DAG's id carries the source prefix)
    :param path: POSIX path of the file, relative to its bundle
    :param bundle: bundle name
    :param bundle_version: commit id for versioned bundles
    :param schedule: human-readable schedule, or ``None``
    :param awaits: ids of DAGs that its sensors wait for
    :param triggers: ids of DAGs that it starts
    :param assets_in: names of assets that its schedule waits for; ``assets_out``: that its tasks produce
    """

    dag_id: str
    path: str
    bundle: str
    bundle_version: str | None = None
    display_name: str = ""
    schedule: str | None = None
    paused: bool = False
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    assets_in: tuple[str, ...] = ()
    assets_out: tuple[str, ...] = ()
    last_parsed: datetime | None = None


class KnownDag(NamedTuple):
    """
    A DAG that Airflow's dag processor has found, and no more of it.

    :param dag_id: id in this Airflow
    :param last_parsed: when its file was parsed last
    """

    dag_id: str
    last_parsed: datetime | None = None


@dataclass(frozen=True)
class RunFacts:
    """One DAG run: id, state as Airflow names it, and whether it ended."""

    dag_id: str
    run_id: str
    state: str
    ended: bool = False


@dataclass(frozen=True)
class LastRun:
    """The automated run from which the scheduler goes on; times in ISO 8601, empty where there is none."""

    run_after: str
    interval_start: str = ""
    interval_end: str = ""
    partition_key: str = ""
    partition_date: str = ""


@dataclass(frozen=True)
class LiveDag:
    """
    What a DAG does at the moment.

    :param runs: those that are queued or running, oldest first
    :param open_tasks: ids of tasks that have not ended in these runs
    """

    dag_id: str
    bundle: str = ""
    path: str = ""
    is_paused: bool = False
    runs: tuple[RunFacts, ...] = ()
    open_tasks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ServedState:
    """
    What Airflow serves for one DAG file of a target at the moment.

    :param dags: the DAGs that are active from that file
    :param import_errors: stack traces that Airflow stored for that file
    """

    path: str
    dags: tuple[DagFacts, ...] = ()
    import_errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class DagStanding:
    """
    A DAG and its history in Airflow, as a change of its bundle must leave them.

    :param active: it is served now; ``False`` while Airflow has not parsed it from its bundle
    :param next_run: logical date of the next scheduled run
    :param runs: number of its runs up to the one that the question named
    :param first_new_run: earliest logical date of the scheduled runs after that one
    """

    dag_id: str
    bundle: str
    active: bool
    paused: bool
    schedule: str
    next_run: datetime | None
    runs: int
    first_new_run: datetime | None = None


class ConnectionsPort(Protocol):
    """Reads connections with their secrets, for what the server itself does in their name."""

    def git_access(self, conn_id: str) -> GitAccess:
        """
        What a connection says about a git repository.

        Raises ``NotFoundError`` if there is none, ``InvalidRequestError`` if it says what cannot be used.
        """
        ...


class SourcePort(Protocol):
    """Reads the source bundle and what Airflow knows about its DAGs."""

    def snapshot(self) -> SourceSnapshot:
        """Refresh the source bundle and list its DAG files. Raises ``SourceUnavailableError``."""
        ...

    def facts(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, tuple[DagFacts, ...]]:
        """Facts by path about active DAGs of ``bundle``; one query whatever the number of paths."""
        ...

    def known(self, bundle: str) -> Mapping[str, tuple[KnownDag, ...]]:
        """All active DAGs of ``bundle`` by path; cheap, where facts about thousands are not."""
        ...

    def import_errors(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, str]:
        """Stored import errors by path."""
        ...

    def connection_types(self, ids: Collection[str]) -> Mapping[str, str]:
        """Types of those connections that are kept in Airflow's database, by id; nothing else of them."""
        ...


class AccessPort(Protocol):
    """Asks the auth manager."""

    def may(self, actor: Actor, access: DagAccess, dag_id: str) -> bool:
        """Whether the auth manager lets ``actor`` do this; ``False`` when in doubt."""
        ...

    def readable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        """The subset of ``dag_ids`` that ``actor`` may read; a fixed number of calls."""
        ...

    def editable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        """The subset of ``dag_ids`` that ``actor`` may edit; a fixed number of calls."""
        ...

    def may_create(self, actor: Actor, kind: Kind, name: str) -> bool:
        """Whether the auth manager lets ``actor`` make such a thing in Airflow; ``False`` when in doubt."""
        ...

    def people(self) -> tuple[Person, ...]:
        """Everyone whom the auth manager can name; empty when it cannot list its users."""
        ...

    def person(self, actor_id: str) -> Person | None:
        """Somebody by id with the roles held now, or ``None``."""
        ...

    def lets(self, person: Person, access: DagAccess, dag_id: str) -> bool:
        """Whether the auth manager lets somebody else do this; ``False`` where it cannot tell."""
        ...


class ServingPort(Protocol):
    """Makes Airflow serve what was promoted, and says what it serves."""

    def announce(self, bundle: str, commit: str, paths: Iterable[str]) -> None:
        """Tell every dag processor that ``bundle`` is now at ``commit``; parse ``paths`` first."""
        ...

    def served(self, bundle: str, paths: Collection[str]) -> Mapping[str, ServedState]:
        """What is served for each path."""
        ...

    def serialized(self, bundle: str, dag_ids: Collection[str] | None = None) -> Iterator[SerializedDag]:
        """The DAGs of a bundle that are served, by their ids; all of them if ``dag_ids`` is left out."""
        ...

    def trigger(
        self, dag_id: str, *, run_id: str, conf: Mapping[str, Any] | None, actor: Actor, unpause: bool = False
    ) -> RunFacts:
        """Start a run; a run with that id that exists already is returned. Raises ``NotFoundError``."""
        ...

    def dag(self, dag_id: str) -> DagFacts | None:
        """Tags and owners of an active DAG, whatever its bundle."""
        ...

    def live_dags(self, dag_ids: Collection[str]) -> Mapping[str, LiveDag]:
        """Those of ``dag_ids`` that are served, with their runs under way; a fixed number of queries."""
        ...

    def paused(self, bundle: str) -> Mapping[str, bool]:
        """Whether each DAG that is served from ``bundle`` is paused, by its id; one query."""
        ...

    def recent_runs(self, dag_ids: Collection[str]) -> Mapping[str, tuple[RunFacts, ...]]:
        """The newest runs of those of ``dag_ids`` that had any, the last one in front; one query."""
        ...

    def last_runs(self, dag_ids: Collection[str]) -> Mapping[str, LastRun]:
        """The last automated run of those of ``dag_ids`` that had one; one query."""
        ...

    def is_paused_at_creation(self) -> bool:
        """Whether a new DAG that does not say it itself is paused."""
        ...

    def lost_tasks(self, tasks: Iterable[TaskKey]) -> Mapping[TaskKey, str]:
        """
        Those of ``tasks`` that neither run nor wait in the try that the key names: what they are now.

        In words for people; empty for one that is gone.
        """
        ...

    def runs(self, runs: Iterable[tuple[str, str]]) -> tuple[RunFacts, ...]:
        """States of the runs named by (dag_id, run_id)."""
        ...

    def pipeline_runs(self, runs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], PipelineRun]:
        """What is known of each of ``runs``, (dag_id, run_id); a number of queries that does not grow."""
        ...

    def beats(self) -> Beats:
        """The newest heartbeat of ``scheduler``, ``dag_processor``, ``triggerer``; ``None`` for never."""
        ...

    def machines_at_work(self, bundle: str, since: Mapping[str, datetime]) -> Mapping[str, str]:
        """
        Those of some machines that go on, and how Airflow knows it, as a sentence; two queries.

        :param since: by host, the moment after which taking up a task of ``bundle`` counts
        """
        ...

    def component_ages(self) -> Mapping[str, float | None]:
        """Seconds since these heartbeats; or ``None``."""
        ...


class TasksPort(Protocol):
    """Reads what Airflow recorded about task instances, so that nobody has to be believed about them."""

    def record(self, task: TaskKey) -> TaskRecord | None:
        """The instance in its present try; ``None`` if there is none, or it is in another try."""
        ...

    def operator(self, task: TaskKey) -> TaskOperator | None:
        """What the instance runs; ``None`` where Airflow has no structure for it."""
        ...

    def rendered(self, task: TaskKey) -> Mapping[str, Any] | None:
        """Template fields as rendered, secrets masked; ``None`` where Airflow keeps none."""
        ...

    def observed_runs(self, dag_ids: Collection[str]) -> tuple[DevRun, ...]:
        """The newest runs of these DAGs whose tasks told what they read, the newest first; one query."""
        ...


class BundlesPort(Protocol):
    """Reads the bundles that this Airflow is configured with, and what hangs on them."""

    def folder(self, wanted: str) -> BundleFolder:
        """
        A bundle by its name or its folder, refreshed.

        Raises ``NotFoundError`` if there is none, ``InvalidRequestError`` for one that serves releases.
        """
        ...

    def plain(self) -> tuple[str, ...]:
        """Names of the configured bundles that serve no releases, sorted."""
        ...

    def serving_folders(self, environment: str) -> ServingFolders | None:
        """Where this machine keeps what it serves for an environment; ``None`` if no bundle serves it."""
        ...

    def newest_run(self) -> int:
        """What names the newest DAG run of this Airflow in :meth:`standings`; 0 when there is none."""
        ...

    def standings(self, dag_ids: Iterable[str], *, up_to_run: int) -> Mapping[str, DagStanding]:
        """What Airflow knows of these DAGs, active or not; a number of queries that does not grow."""
        ...


class InventoryPort(Protocol):
    """Says what there is of the things that DAGs need, and makes what may be made without a secret."""

    def take(self, wanted: Wanted) -> Inventory:
        """Look for what is wanted: names and versions, never values; a fixed number of queries."""
        ...

    def create_placeholder(self, kind: Kind, name: str, *, connection_type: str = "", note: str = "") -> None:
        """Make something that has a name and is marked as incomplete. Raises ``InvalidRequestError``."""
        ...


@dataclass(frozen=True)
class Airflow:
    """The ports together."""

    source: SourcePort
    access: AccessPort
    serving: ServingPort
    tasks: TasksPort
    bundles: BundlesPort
    inventory: InventoryPort
    connections: ConnectionsPort
    metrics: MetricsPort
    log: AirflowLogPort
