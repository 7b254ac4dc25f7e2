"""What the to-be-released list and submitting stand on: the source, what was submitted, and the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagFacts, KnownDag
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.domain.release.renames import Moves, find_moves
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.repositories import held_versions, submissions
from airflow_release_plugin.repositories.held_versions import HeldVersion
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.dagless import DaglessFiles, twin_sentence
from airflow_release_plugin.services.submissions.target_comparison import TargetComparison
from airflow_release_plugin.services.versions.source import Source, open_source
from airflow_release_plugin.store.base import environment_ref

_COMPARISON = TargetComparison()


@dataclass
class LockedUnit:
    """
    What there was of a unit when it was locked.

    :param last_version: highest version number; 0 for none
    :param on_the_way: versions that wait in the list or are in an open release, by id
    """

    last_version: int
    on_the_way: list[Submission] = field(default_factory=list)


class SourceWorkspace:
    """
    One request's view; each part is read once, when it is first needed, in a fixed number of queries.

    Where there is no source, nothing is present and nothing is gone; versions that imports brought wait all
    the same.

    :param chosen: paths of the files that are to be submitted
    :raises NotHereError: this installation has neither source nor target
    """

    def __init__(self, ctx: Context, chosen: Collection[str] = ()) -> None:
        if not ctx.settings.has_source:
            access.require_target(ctx)
        self._ctx = ctx
        self._name = ctx.settings.source
        self._chosen = chosen
        self.locked: dict[int, LockedUnit] = {}
        self.twins: dict[str, tuple[str, str]] = {}
        """A DAG that another file names, and that file, by the path of the file that Airflow has it from."""

    @cached_property
    def source(self) -> Source:
        """The source bundle at this moment. Raises ``NotHereError`` where there is none."""
        access.require_source(self._ctx)
        return open_source(self._ctx)

    @cached_property
    def present(self) -> frozenset[str]:
        """Paths of the DAG files of the source."""
        return frozenset(self.source.snapshot.dag_files if self._ctx.settings.has_source else ())

    @cached_property
    def target_commit(self) -> str | None:
        """Where the target is; ``None`` before its first release."""
        return self._ctx.store.ref(environment_ref(self._ctx.settings.environment))

    @cached_property
    def target(self) -> Mapping[str, FileEntry]:
        """The files of the target by path."""
        commit = self.target_commit
        return _COMPARISON.files(commit, lambda: self._ctx.store.files(commit))

    def differing(self, closure: Closure) -> frozenset[str]:
        """Files of a closure that the target has not, or otherwise."""
        root = self.source.files.root
        return _COMPARISON.differing(root, closure, self.target_commit, lambda: self.target)

    @cached_property
    def units(self) -> dict[str, Unit]:
        """Units by path."""
        return {unit.path: unit for unit in submissions.units(self._ctx.session, self._name)}

    @cached_property
    def taken_names(self) -> set[str]:
        """Names of units among those that new units of the chosen files would get; one query for all."""
        target_id = self._ctx.settings.target_id
        wanted = {target_id(fact.dag_id) for facts in self.chosen_facts.values() for fact in facts}
        return submissions.names_among(self._ctx.session, self._name, wanted)

    @cached_property
    def waiting(self) -> dict[int, Submission]:
        """The version of each unit that waits in the list or is in an open release."""
        states = {SubmissionState.PENDING, SubmissionState.IN_RELEASE}
        return submissions.latest_by_unit(self._ctx.session, self._name, states, listed=True)

    @cached_property
    def live(self) -> dict[int, HeldVersion]:
        """What the target holds of each unit."""
        return held_versions.held_by_unit(self._ctx.session, self._name)

    @cached_property
    def chosen_live(self) -> dict[int, Submission]:
        """What the target holds of the units of the chosen files, with why each file is in it."""
        units = {unit.id for path in self._chosen if (unit := self.unit(path)) is not None}
        return submissions.live_of(self._ctx.session, units)

    @cached_property
    def known(self) -> Mapping[str, tuple[KnownDag, ...]]:
        """The source's DAGs that Airflow knows, by path."""
        return self._ctx.airflow.source.known(self._name)

    def facts(self, paths: Collection[str]) -> Mapping[str, tuple[DagFacts, ...]]:
        """What Airflow knows of the DAGs of some files of the source, by path."""
        return self._ctx.airflow.source.facts(self._name, paths) if paths else {}

    @cached_property
    def chosen_facts(self) -> Mapping[str, tuple[DagFacts, ...]]:
        """What Airflow knows of the DAGs of the chosen files, by path."""
        return self.facts(self._chosen)

    @cached_property
    def chosen_errors(self) -> Mapping[str, str]:
        """Import errors of the chosen files by path."""
        return self._ctx.airflow.source.import_errors(self._name, self._chosen)

    @cached_property
    def _observed_runs(self) -> tuple[DevRun, ...]:
        ids = {fact.dag_id for facts in self.chosen_facts.values() for fact in facts}
        return self._ctx.airflow.tasks.observed_runs(ids)

    def observed_runs(self, dag_ids: Collection[str]) -> list[tuple[str, DevRun]]:
        """Dev runs of DAGs of the chosen files, by their ids in the target; the newest first."""
        names = {self._ctx.settings.source_id(dag_id): dag_id for dag_id in dag_ids}
        return [(names[run.dag_id], run) for run in self._observed_runs if run.dag_id in names]

    def lock(self, units: Collection[Unit]) -> None:
        """
        Hold units until the transaction ends, and look what there is of them.

        Those that are held already cost nothing; a fixed number of queries for all others.
        """
        wanted = {unit.id for unit in units} - self.locked.keys()
        if not wanted:
            return
        submissions.lock_units(self._ctx.session, wanted)
        last = submissions.last_versions_of(self._ctx.session, wanted)
        self.locked.update((unit_id, LockedUnit(last.get(unit_id, 0))) for unit_id in wanted)
        for row in submissions.on_the_way(self._ctx.session, wanted):
            self.locked[row.unit_id].on_the_way.append(row)

    def is_new(self, unit: Unit) -> None:
        """Take in a unit that this transaction has made: nobody else sees it, and there is nothing of it."""
        self.locked[unit.id] = LockedUnit(0)

    @cached_property
    def _makers(self) -> dict[str, set[int]]:
        makers: dict[str, set[int]] = defaultdict(set)
        held = [(unit_id, row.dag_ids) for unit_id, row in self.live.items()]
        for unit_id, dag_ids in (*held, *((unit_id, row.dag_ids) for unit_id, row in self.waiting.items())):
            for dag_id in dag_ids:
                makers[dag_id].add(unit_id)
        return makers

    def makers(self, dag_ids: Collection[str]) -> list[Unit]:
        """Units of which the target, or the newest version that waits, has any of these DAGs; some more."""
        found = set().union(*(self._makers.get(dag_id, set()) for dag_id in dag_ids))
        return [unit for unit in self.units.values() if unit.id in found] if found else []

    def add(self, unit: Unit, submission: Submission) -> None:
        """Take in a version that was made by this request."""
        self.units[unit.path] = unit
        self.taken_names.add(unit.name)
        self.waiting[unit.id] = submission
        for dag_id in submission.dag_ids:
            self._makers[dag_id].add(unit.id)

    @cached_property
    def dagless(self) -> DaglessFiles:
        """Tells of files without a known DAG why there is none."""
        return DaglessFiles(Path(self.source.files.root), self.known)

    def twin_problem(self, path: str, closure: Closure) -> str | None:
        """What to say of a file whose DAG Airflow has from another file; ``None`` where that is not so."""
        ids = tuple(self._ctx.settings.source_id(name) for name in closure.dag_ids)
        twin = self.dagless.twin(path, ids)
        if twin is None:
            return None
        self.twins[twin[1]] = (twin[0], path)
        return twin_sentence(*twin)

    @cached_property
    def errors(self) -> Mapping[str, str]:
        """Import errors of the source by path."""
        return self._ctx.airflow.source.import_errors(self._name)

    @cached_property
    def gone(self) -> list[Unit]:
        """Units whose file left the source, while the target has it or a version waits."""
        return [
            unit
            for unit in self._absent
            if not self._is_brought(unit) and (unit.id in self.live or unit.id in self.waiting)
        ]

    @cached_property
    def brought(self) -> list[Unit]:
        """Units that imports brought and of which a version waits: their file is elsewhere, and not gone."""
        return [unit for unit in self._absent if self._is_brought(unit) and unit.id in self.waiting]

    @property
    def _absent(self) -> list[Unit]:
        return [unit for path, unit in self.units.items() if path not in self.present]

    def _is_brought(self, unit: Unit) -> bool:
        waiting = self.waiting.get(unit.id)
        is_import = unit.origin is not None or (waiting is not None and waiting.import_id is not None)
        return is_import or not self._ctx.settings.has_source

    @cached_property
    def moves(self) -> Moves:
        """Units whose file is somewhere else now."""
        if not self.gone:
            return Moves()
        present = {
            path: [self._ctx.settings.target_id(f.dag_id) for f in self.known.get(path, ())]
            for path in self.present
        }
        gone = {unit.path: self.dag_ids(unit) for unit in self.gone}
        return find_moves(gone, present, self.present & self.units.keys())

    @cached_property
    def _released_users(self) -> dict[str, set[int]]:
        """Released units that need a file, by its path."""
        users: dict[str, set[int]] = defaultdict(set)
        for unit_id, row in self.live.items():
            for path in row.paths:
                users[path].add(unit_id)
        return users

    def others_released(self, paths: Collection[str], unit: Unit | None) -> int:
        """How many DAGs of other units in the target need one of these files."""
        users = {user for path in paths for user in self._released_users.get(path, ())}
        return sum(len(self.live[user].dag_ids) for user in users if unit is None or user != unit.id)

    def others_need(self, path: str, unit: Unit | None) -> bool:
        """Whether the target has the file for another unit, too."""
        own = {unit.id} if unit else set()
        return bool(self._released_users.get(path, own) - own)

    def dag_ids(self, unit: Unit) -> Collection[str]:
        """Ids of the DAGs that the newest version that counts defines."""
        row = self.waiting.get(unit.id) or self.live.get(unit.id)
        return row.dag_ids if row else unit.dag_ids

    def unit(self, path: str) -> Unit | None:
        """The unit of a DAG file, wherever it was before."""
        return self.units.get(path) or self.units.get(self.moves.origins.get(path, ""))

    def renamed_from(self, path: str, unit: Unit | None) -> str | None:
        """Where the target has the unit, if that is another place."""
        live = self.live.get(unit.id) if unit else None
        return live.path if live and live.path != path else None

    def change(self, path: str, unit: Unit | None) -> ChangeKind:
        """What a file that is in the source does to the target."""
        if self.renamed_from(path, unit):
            return ChangeKind.RENAMED
        is_there = bool(unit and unit.id in self.live) or path in self.target
        return ChangeKind.MODIFIED if is_there else ChangeKind.NEW
