"""Airflow as the use cases see it, in memory: people, a dag processor that reads text, runs, notices."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_release_plugin.analysis.text_decoding import decode_text
from airflow_release_plugin.domain.airflow_log import LogLine
from airflow_release_plugin.domain.bundle.inventory import (
    STUB_MARK,
    Availability,
    Inventory,
    Kind,
    Wanted,
    availability,
)
from airflow_release_plugin.domain.bundle_folders import BundleFolder, ServingFolders, SourceSnapshot
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.metrics import Metric
from airflow_release_plugin.domain.ports import (
    Airflow,
    DagAccess,
    DagFacts,
    DagStanding,
    GitAccess,
    KnownDag,
    LastRun,
    LiveDag,
    RunFacts,
    ServedState,
)
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.domain.release.environment_proof import SerializedDag
from airflow_release_plugin.domain.release.lost_runs import Beats, PipelineRun
from airflow_release_plugin.domain.tasks import TaskKey, TaskOperator, TaskRecord
from airflow_release_plugin.exceptions import NotFoundError, ReleaseError, SourceUnavailableError
from airflow_release_plugin.store.release_store import ReleaseStore

_DAG_ID = re.compile(r'DAG\(dag_id="([^"]+)"')
_TAG = re.compile(r'tags=\["([^"]+)"\]')
_MAY_EDIT = frozenset({"user", "op", "admin"})


@dataclass
class AirflowTwin:
    """
    All ports over one memory, shared by every session of a test.

    :param root: folder of the source bundle
    :param refused: what somebody may not do although the role allows it: (actor id, access, DAG id)
    :param errors: import errors by path of the source
    :param unparsed: paths that the dag processor has not come to yet
    :param parsed_at: when it parsed every file that it has come to
    :param others: DAGs of further bundles, by id
    :param connections: types by id; ``git`` has what some say about repositories
    :param unstartable: DAGs whose runs cannot be started, with what Airflow says
    :param announced: (bundle, commit, paths) in order
    :param stored: DAGs of the target as a dag processor stored them
    :param live: what DAGs of the target do, by id
    :param automated: their last automated runs, by id
    :param started: runs by (DAG id, run id)
    :param tasks: what Airflow recorded about task instances, by their present try; ``operators`` and
        ``rendered_fields`` belong to them
    :param dev_runs: runs of dev copies whose tasks told what they read, the newest first
    :param machine: where this machine keeps what it serves
    :param folders: bundles that people edit by hand, by name
    :param history: how DAGs stand, by id; one that is not there has no runs
    :param held: connections, variables and pools with their descriptions
    :param inventory: everything else that is here
    :param forbidden: what nobody may make in Airflow, whatever the role
    :param sent: metrics with value and tags, in order
    :param logged: lines of Airflow's audit log, in order
    """

    root: Path
    users: dict[str, Person] = field(default_factory=dict)
    refused: set[tuple[str, DagAccess, str]] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    unparsed: set[str] = field(default_factory=set)
    parsed_at: datetime | None = None
    announced: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    started: dict[tuple[str, str], RunFacts] = field(default_factory=dict)
    triggers: list[tuple[str, Mapping[str, Any] | None, bool]] = field(default_factory=list)
    serving: dict[str, ServedState] = field(default_factory=dict)
    stored: list[SerializedDag] = field(default_factory=list)
    ages: dict[str, float | None] = field(default_factory=dict)
    at_work: dict[str, str] = field(default_factory=dict)
    ended_tasks: set[TaskKey] = field(default_factory=set)
    tasks: dict[TaskKey, TaskRecord] = field(default_factory=dict)
    operators: dict[TaskKey, TaskOperator] = field(default_factory=dict)
    rendered_fields: dict[TaskKey, Mapping[str, Any]] = field(default_factory=dict)
    dev_runs: list[DevRun] = field(default_factory=list)
    others: dict[str, DagFacts] = field(default_factory=dict)
    live: dict[str, LiveDag] = field(default_factory=dict)
    automated: dict[str, LastRun] = field(default_factory=dict)
    machine: ServingFolders | None = None
    folders: dict[str, Path] = field(default_factory=dict)
    history: dict[str, DagStanding] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    git: dict[str, GitAccess] = field(default_factory=dict)
    unstartable: dict[str, ReleaseError] = field(default_factory=dict)
    held: dict[tuple[Kind, str], str] = field(default_factory=dict)
    inventory: Inventory = field(
        default_factory=lambda: Inventory("3.3.2", "3.12.1", executors=frozenset({"LocalExecutor"}))
    )
    forbidden: set[Kind] = field(default_factory=set)
    is_broken: bool = False
    sent: list[tuple[Metric, float, dict[str, str]]] = field(default_factory=list)
    logged: list[LogLine] = field(default_factory=list)

    def ports(self) -> Airflow:
        """The ports, as a context wants them."""
        return Airflow(
            source=self,
            access=self,
            serving=self,
            tasks=self,
            bundles=self,
            inventory=self,
            connections=self,
            metrics=self,
            log=self,
        )

    def are_sent(self) -> bool:
        return True

    def send(self, metric: Metric, value: float = 1, **tags: str) -> None:
        assert set(tags) == set(metric.tags), metric
        self.sent.append((metric, value, tags))

    def note(self, lines: Iterable[LogLine]) -> None:
        self.logged.extend(lines)

    def parse(self, text: str, path: str, bundle: str, prefix: str = "") -> tuple[DagFacts, ...]:
        """What a dag processor would find in a file of these tests."""
        return tuple(
            DagFacts(
                dag_id=f"{prefix}{dag_id}",
                path=path,
                bundle=bundle,
                tags=tuple(_TAG.findall(text)),
                owners=("airflow",),
                last_parsed=self.parsed_at,
            )
            for dag_id in _DAG_ID.findall(text)
        )

    def serve(self, store: ReleaseStore, bundle: str, commit: str) -> None:
        """Parse everything at ``commit``: what a dag processor does some time after a promotion."""
        self.serving = {}
        for path, entry in store.files(commit).items():
            facts = self.parse(store.read(entry.blob).decode(), path, bundle)
            dags = tuple(DagFacts(f.dag_id, path, bundle, bundle_version=commit) for f in facts)
            self.serving[path] = ServedState(path, dags)

    # source

    def snapshot(self) -> SourceSnapshot:
        if self.is_broken:
            raise SourceUnavailableError("The source bundle 'dev' cannot be read.")
        return SourceSnapshot(self.root, self._dag_files(self.root))

    def _dag_files(self, root: Path) -> tuple[str, ...]:
        found = (file for file in root.rglob("*.py") if b"DAG" in file.read_bytes())
        return tuple(sorted(file.relative_to(root).as_posix() for file in found))

    def facts(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, tuple[DagFacts, ...]]:
        root = self.folders.get(bundle, self.root)
        wanted = set(self._dag_files(root)) if paths is None else set(paths)
        found = {
            path: self.parse(
                decode_text((root / path).read_bytes())[0],
                path,
                bundle,
                "" if bundle in self.folders else "dev.",
            )
            for path in wanted - self.unparsed
            if (root / path).exists()
        }
        return {path: facts for path, facts in found.items() if facts}

    def known(self, bundle: str) -> Mapping[str, tuple[KnownDag, ...]]:
        return {
            path: tuple(KnownDag(fact.dag_id, fact.last_parsed) for fact in facts)
            for path, facts in self.facts(bundle).items()
        }

    def import_errors(self, bundle: str, paths: Collection[str] | None = None) -> Mapping[str, str]:
        return {path: error for path, error in self.errors.items() if paths is None or path in paths}

    def connection_types(self, ids: Collection[str]) -> Mapping[str, str]:
        return {name: kind for name, kind in self.connections.items() if name in ids}

    # connections

    def git_access(self, conn_id: str) -> GitAccess:
        if conn_id not in self.git:
            raise NotFoundError(f"There is no connection {conn_id!r}.")
        return self.git[conn_id]

    # bundles

    def folder(self, wanted: str) -> BundleFolder:
        for name, root in {**self.folders, "dev": self.root}.items():
            if wanted in {name, str(root)}:
                return BundleFolder(name, root, self._dag_files(root))
        raise NotFoundError(f"No bundle of this Airflow is named {wanted!r}.")

    def plain(self) -> tuple[str, ...]:
        return tuple(sorted({*self.folders, "dev"}))

    def serving_folders(self, environment: str) -> ServingFolders | None:
        return self.machine

    def newest_run(self) -> int:
        return 7

    def standings(self, dag_ids: Iterable[str], *, up_to_run: int) -> Mapping[str, DagStanding]:
        assert up_to_run == self.newest_run()
        return {name: self.history[name] for name in dag_ids if name in self.history}

    # inventory

    def take(self, wanted: Wanted) -> Inventory:
        served = {dag_id: dag.bundle for dag_id, dag in self.others.items()}
        served |= {dag.dag_id: dag.bundle for state in self.serving.values() for dag in state.dags}
        return replace(
            self.inventory,
            connections={
                name: s for name, s in self._held(Kind.CONNECTION).items() if name in wanted.connections
            },
            variables={name: s for name, s in self._held(Kind.VARIABLE).items() if name in wanted.variables},
            pools=self._held(Kind.POOL),
            served={**served, **self.inventory.served},
        )

    def _held(self, kind: Kind) -> dict[str, Availability]:
        return {name: availability(text) for (held, name), text in self.held.items() if held is kind}

    def create_placeholder(self, kind: Kind, name: str, *, connection_type: str = "", note: str = "") -> None:
        self.held[kind, name] = f"{STUB_MARK} {note}"
        if kind is Kind.CONNECTION:
            self.connections[name] = connection_type

    # access

    def may_create(self, actor: Actor, kind: Kind, name: str) -> bool:
        return actor.has_any_role(frozenset({"admin"})) and kind not in self.forbidden

    def may(self, actor: Actor, access: DagAccess, dag_id: str) -> bool:
        if (actor.id, access, dag_id) in self.refused:
            return False
        return access is not DagAccess.EDIT or actor.has_any_role(_MAY_EDIT)

    def readable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in dag_ids if self.may(actor, DagAccess.READ, name))

    def editable(self, actor: Actor, dag_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in dag_ids if self.may(actor, DagAccess.EDIT, name))

    def people(self) -> tuple[Person, ...]:
        return tuple(self.users.values())

    def lets(self, person: Person, access: DagAccess, dag_id: str) -> bool:
        return self.may(Actor(person.id, person.name, person.roles), access, dag_id)

    def person(self, actor_id: str) -> Person | None:
        return self.users.get(actor_id)

    # tasks

    def run_task(self, record: TaskRecord, operator: TaskOperator, rendered: Mapping[str, Any]) -> None:
        """Let a worker take up a task, as its only try."""
        for known in list(self.tasks):
            if replace(known, try_number=0) == replace(record.key, try_number=0):
                self.tasks.pop(known, None)
        self.tasks[record.key] = record
        self.operators[record.key] = operator
        self.rendered_fields[record.key] = rendered

    def record(self, task: TaskKey) -> TaskRecord | None:
        return self.tasks.get(task)

    def operator(self, task: TaskKey) -> TaskOperator | None:
        return self.operators.get(task)

    def rendered(self, task: TaskKey) -> Mapping[str, Any] | None:
        return self.rendered_fields.get(task)

    def observed_runs(self, dag_ids: Collection[str]) -> tuple[DevRun, ...]:
        return tuple(run for run in self.dev_runs if run.dag_id in dag_ids)

    # serving

    def dag(self, dag_id: str) -> DagFacts | None:
        if dag_id in self.others:
            return self.others[dag_id]
        bundle = "dev" if dag_id.startswith("dev.") else "prod"
        found = (dag for dags in self.facts(bundle).values() for dag in dags)
        return next((dag for dag in found if dag.dag_id in {dag_id, f"dev.{dag_id}"}), None)

    def live_dags(self, dag_ids: Collection[str]) -> Mapping[str, LiveDag]:
        pipeline = {"release_pipeline": LiveDag("release_pipeline", "release_pipelines")}
        others = {dag_id: LiveDag(dag_id, dag.bundle, dag.path) for dag_id, dag in self.others.items()}
        known = {**pipeline, **others, **self.live}
        return {dag_id: dag for dag_id, dag in known.items() if dag_id in dag_ids}

    def paused(self, bundle: str) -> Mapping[str, bool]:
        return {dag.dag_id: dag.is_paused for dag in self.live.values() if dag.bundle == bundle}

    def recent_runs(self, dag_ids: Collection[str]) -> Mapping[str, tuple[RunFacts, ...]]:
        newest = list(self.started.values())[::-1]
        found = {dag_id: tuple(run for run in newest if run.dag_id == dag_id)[:5] for dag_id in dag_ids}
        return {dag_id: runs for dag_id, runs in found.items() if runs}

    def last_runs(self, dag_ids: Collection[str]) -> Mapping[str, LastRun]:
        return {dag_id: run for dag_id, run in self.automated.items() if dag_id in dag_ids}

    def is_paused_at_creation(self) -> bool:
        return False

    def lost_tasks(self, tasks: Iterable[TaskKey]) -> Mapping[TaskKey, str]:
        return {task: "the task is 'failed'" for task in tasks if task in self.ended_tasks}

    def pipeline_runs(self, runs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], PipelineRun]:
        return {key: self._pipeline_run(*key) for key in runs}

    def _pipeline_run(self, dag_id: str, run_id: str) -> PipelineRun:
        run = self.started.get((dag_id, run_id))
        return PipelineRun(dag_id, run_id, run.state if run else "", has_ended=run is not None and run.ended)

    def beats(self) -> Beats:
        return {}

    def announce(self, bundle: str, commit: str, paths: Iterable[str]) -> None:
        self.announced.append((bundle, commit, tuple(paths)))

    def serialized(self, bundle: str, dag_ids: Collection[str] | None = None) -> Iterator[SerializedDag]:
        yield from (dag for dag in self.stored if dag_ids is None or dag.dag_id in dag_ids)

    def served(self, bundle: str, paths: Collection[str]) -> Mapping[str, ServedState]:
        return {path: self.serving.get(path, ServedState(path)) for path in paths}

    def trigger(
        self, dag_id: str, *, run_id: str, conf: Mapping[str, Any] | None, actor: Actor, unpause: bool = False
    ) -> RunFacts:
        if dag_id in self.unstartable:
            raise self.unstartable[dag_id]
        self.triggers.append((run_id, conf, unpause))
        return self.started.setdefault((dag_id, run_id), RunFacts(dag_id, run_id, "queued"))

    def runs(self, runs: Iterable[tuple[str, str]]) -> tuple[RunFacts, ...]:
        return tuple(self.started[key] for key in runs if key in self.started)

    def machines_at_work(self, bundle: str, since: Mapping[str, datetime]) -> Mapping[str, str]:
        return {host: why for host, why in self.at_work.items() if bundle == "prod" and host in since}

    def component_ages(self) -> Mapping[str, float | None]:
        return self.ages
