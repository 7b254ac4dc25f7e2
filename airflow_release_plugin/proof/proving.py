"""
Proving versions: run in the source as it was submitted, or in the bundle that brought them, and in the tree
that the target would have, then compared (docs/concepts/invariants.md, 13).

What the run in the source opened and the candidate lacks, or has with other bytes, joins the version; then
the candidate runs again, until nothing is new. DAGs of both runs must then be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.proof.comparison import Difference, differences, unsteady
from airflow_release_plugin.proof.discovery import NOTHING_NEW, Discovery, discover
from airflow_release_plugin.proof.log_lines import only_in_second, without_unsteady
from airflow_release_plugin.proof.observation import TEMPLATE_OF_TASK, Access, shown_place
from airflow_release_plugin.proof.report import FileReport, ParseReport

Files = Mapping[str, FileEntry]
Run = Callable[[Path, Sequence[str]], ParseReport]
"""Runs DAG files of a tree, confined and watched."""
Build = Callable[[str, Files], Path]
"""Makes a folder of files under a name that it has not made before."""

TARGET = "target"
"""Name of the tree that the target has now, beside the names of snapshots, which are hashes."""

MOST_ROUNDS = 10
"""So often may a candidate run open what the run in the source did not; code that goes on is not steady."""


@dataclass(frozen=True)
class Trees:
    """
    What files are run in.

    :param target: as it is
    :param candidate: as the target would be
    :param snapshots: the source by the name of the tree, as it was when something was submitted
    """

    target: Files
    candidate: Files
    snapshots: Mapping[str, Files]


@dataclass(frozen=True)
class Provable:
    """
    A version to prove.

    :param path: of its DAG file
    :param files: paths that it consists of so far
    :param snapshot: name of the tree that it was made from; ``None`` if there is none to run it in
    :param is_imported: whether that is the tree of a bundle, and not of the source here
    """

    path: str
    files: frozenset[str]
    snapshot: str | None
    is_imported: bool = False


@dataclass(frozen=True)
class Joined:
    """A file that a version opened when it ran; ``reason`` says where, for people."""

    unit: str
    path: str
    reason: str


@dataclass(frozen=True)
class FileProof:
    """
    What both runs of one DAG file said.

    :param before: the run in the source as it was submitted, or in the bundle that brought it, ``None`` where
        there is no such tree; of a file that the release does not name, the run in the target as it is
    :param after: the last run in the tree that the target would have
    :param different: DAGs that would not be the same
    :param unsteady: those of them that two runs in one tree have, too: random values, the clock
    :param logged: warnings and errors that the second run logs and the first does not, if they are steady
    """

    path: str
    before: FileReport | None
    after: FileReport
    different: tuple[Difference, ...] = ()
    unsteady: frozenset[Difference] = frozenset()
    logged: tuple[str, ...] = ()
    is_imported: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether both made the same and the second had nothing new to say, as far as the code is steady."""
        return not self.logged and self.unsteady.issuperset(self.different)


@dataclass(frozen=True)
class Proof:
    """
    What became of all versions of a release.

    :param others: DAG files of the target that the release does not name, but may affect
    :param candidate: the last run in the tree that the target would have, of all these files
    :param files: that tree, completed by what joined
    :param is_settled: whether nothing new was opened in the end
    :param discovery: what changes about the DAG files that Airflow finds
    """

    units: tuple[FileProof, ...]
    others: tuple[FileProof, ...]
    joined: tuple[Joined, ...]
    candidate: ParseReport
    files: Files = field(repr=False)
    is_settled: bool = True
    discovery: Discovery = NOTHING_NEW


def prove(
    units: Sequence[Provable],
    dag_files: Sequence[str],
    *,
    trees: Trees,
    build: Build,
    run: Run,
    run_in_candidate: Run,
    served: Collection[str] = (),
) -> Proof:
    """
    Run ``units`` where they come from and where they would live, and compare.

    Both run at once, on the guess that nothing joins: mostly so, and where it is not, one run was in vain.

    :param dag_files: paths to run in the candidate: those of the units, and of others that may be affected
    :param run: for the source and for the target as it is
    :param run_in_candidate: for the tree that the target would have; runs beside ``run``
    :param served: DAG files that the target holds
    """
    return _Proving(units, dag_files, trees, build, run, run_in_candidate).prove(served)


class _Proving:
    def __init__(
        self,
        units: Sequence[Provable],
        dag_files: Sequence[str],
        trees: Trees,
        build: Build,
        run: Run,
        run_in_candidate: Run,
    ) -> None:
        self._units = units
        self._dag_files = dag_files
        self._trees = trees
        self._candidate = dict(trees.candidate)
        self._build = build
        self._run = run
        self._run_candidate = run_in_candidate
        self._joined: dict[tuple[str, str], Joined] = {}
        self._folders: dict[str, Path] = {}
        own = {unit.path for unit in units}
        self._imported = {unit.path for unit in units if unit.is_imported}
        every = dict.fromkeys([*dag_files, *sorted(own)])
        self._order = {path: number for number, path in enumerate(every)}
        self._before: dict[str, str] = {unit.path: unit.snapshot for unit in units if unit.snapshot}
        self._before |= {path: TARGET for path in dag_files if path not in own and path in trees.target}

    def prove(self, served: Collection[str]) -> Proof:
        candidate = self._build_trees()
        discovery = self._discover(candidate, served)
        before, found = self._run_both(candidate)
        rounds = 1
        # The run in the candidate may get further than it did at first: into files that joined.
        while (is_another := self._join(before, found)) and rounds < MOST_ROUNDS:
            rounds += 1
            found = self._run_candidate(self._build(f"candidate-{rounds}", self._candidate), self._dag_files)
        after = {report.path: report for report in found.files}
        proofs = self._compared(before, after)
        own = {unit.path for unit in self._units}
        return Proof(
            units=tuple(proof for proof in proofs if proof.path in own),
            others=tuple(proof for proof in proofs if proof.path not in own),
            joined=tuple(self._joined.values()),
            candidate=found,
            files=self._candidate,
            is_settled=not is_another,
            discovery=discovery,
        )

    def _build_trees(self) -> Path:
        """Make the folders to run in, one after the other, since they share their files."""
        names = {*self._before.values(), *((TARGET,) if self._trees.target else ())}
        for name in sorted(names):
            files = self._trees.target if name == TARGET else self._trees.snapshots[name]
            self._folders[name] = self._build(f"before-{len(self._folders) + 1}", files)
        return self._build("candidate-1", self._candidate)

    def _discover(self, candidate: Path, served: Collection[str]) -> Discovery:
        """See which DAG files Airflow would find; those that nobody named run in the candidate alone."""
        # What is to be run and is not in the target comes with the release.
        own = {unit.path for unit in self._units} | {*self._dag_files} - self._trees.target.keys()
        others = [path for path in served if path in self._trees.target and path not in own]
        found = discover(self._folders.get(TARGET), candidate, own=own, served=others)
        self._dag_files = [*dict.fromkeys([*self._dag_files, *sorted(found.appeared)])]
        for path in found.appeared:
            self._before.pop(path, None)
        return found

    def _run_both(self, candidate: Path) -> tuple[dict[str, FileReport], ParseReport]:
        with ThreadPoolExecutor(max_workers=1) as beside:
            found = beside.submit(self._run_candidate, candidate, self._dag_files)
            return self._run_before(self._before), found.result()

    def _run_before(self, paths: Iterable[str]) -> dict[str, FileReport]:
        """Run files where they come from, one process for each tree, in the order of the other run."""
        by_tree: dict[str, list[str]] = {}
        # What is logged once in a process is then logged for the same file.
        for path in sorted(paths, key=self._order.__getitem__):
            if path in self._before:
                by_tree.setdefault(self._before[path], []).append(path)
        return {
            report.path: report
            for name, files in by_tree.items()
            for report in self._run(self._folders[name], files).files
        }

    def _join(self, before: Mapping[str, FileReport], found: ParseReport) -> bool:
        """Take over what versions opened and do not hold; whether the candidate is another tree now."""
        after = {report.path: report for report in found.files}
        is_another = False
        for unit in self._units:
            if unit.snapshot is None:
                continue
            source = self._trees.snapshots[unit.snapshot]
            reports = [reports[unit.path] for reports in (before, after) if unit.path in reports]
            for opened in (opened for report in reports for opened in report.observed.opened):
                key = unit.path, opened.path
                if opened.path not in source or opened.path in unit.files or key in self._joined:
                    continue
                self._joined[key] = Joined(unit.path, opened.path, _reason(opened))
                # Another version may have brought it, or the target may have it: then the tree stays.
                if self._candidate.get(opened.path) != source[opened.path]:
                    self._candidate[opened.path] = source[opened.path]
                    is_another = True
        return is_another

    def _compared(self, before: Mapping[str, FileReport], after: Mapping[str, FileReport]) -> list[FileProof]:
        # What was not reached in time made nothing, which says nothing.
        pairs = {
            path: (before[path], report)
            for path, report in after.items()
            if path in before and before[path].is_reached and report.is_reached
        }
        different = {path: _different(*pair) for path, pair in pairs.items()}
        logged = {
            path: only_in_second(first.logged, second.logged) for path, (first, second) in pairs.items()
        }
        again = self._run_before([path for path in pairs if different[path] or logged[path]])
        return [
            FileProof(
                path=path,
                before=before.get(path),
                after=report,
                different=different.get(path, ()),
                unsteady=frozenset(
                    unsteady(different[path], _different(before[path], again[path])) if path in again else ()
                ),
                logged=(
                    without_unsteady(logged[path], (before[path].logged, again[path].logged))
                    if path in again
                    else logged.get(path, ())
                ),
                is_imported=path in self._imported,
            )
            for path, report in after.items()
        ]


def _different(first: FileReport, second: FileReport) -> tuple[Difference, ...]:
    return differences(dict(first.serialized), dict(second.serialized))


def _reason(opened: Access) -> str:
    if opened.place.startswith(TEMPLATE_OF_TASK):
        return shown_place(opened.place)
    if opened.place:
        return Message("opened when it ran, %(place)s", place=shown_place(opened.place))
    return Message("opened when it ran")
