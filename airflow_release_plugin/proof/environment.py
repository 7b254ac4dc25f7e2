"""
Proving an environment: its DAG files are run in the tree that it is at, and what they make is compared with
what Airflow serves.

A release is proven once, before it is approved. What makes a DAG another one later is outside of it: a
package that was upgraded, an option of Airflow, a file or a stored DAG that somebody changed by hand.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from airflow_release_plugin.domain.release.environment_proof import (
    ProvenDag,
    ServedDags,
    Standing,
)
from airflow_release_plugin.exceptions import NotFoundError, UnavailableError
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.proof.comparison import Difference, differences, unsteady
from airflow_release_plugin.proof.dag_description import digest_of
from airflow_release_plugin.proof.findings import refusals
from airflow_release_plugin.proof.observation import NOTHING_KNOWN, Confinement
from airflow_release_plugin.proof.report import FileReport, ParseReport

OnFile = Callable[[FileReport, int], None]
"""Called with the report of each file that was run for the first time, and with how many there are."""
_MOST_PLACES = 3
_SHORT = 12


class ProvableEnvironment(Protocol):
    """Where an environment is known: in this machine's database, or behind the REST API."""

    def served(self) -> ServedDags:
        """What it serves now."""
        ...

    def text(self, dag_id: str) -> str:
        """A DAG as Airflow serves it now, as :func:`canonical` texts are. Raises ``NotFoundError``."""
        ...

    def build(self, folder: Path, version: str) -> Path:
        """Make the tree of a version somewhere below an empty folder."""
        ...


@dataclass(frozen=True)
class EnvironmentProof:
    """
    What became of every DAG, by path and id.

    :param version: commit whose tree was run
    :param files: how many DAG files were run
    """

    version: str
    files: int
    dags: tuple[ProvenDag, ...]
    confinement: Confinement
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """How many DAGs stand how."""
        return {standing.value: sum(dag.standing is standing for dag in self.dags) for standing in Standing}


def prove_environment(
    environment: ProvableEnvironment,
    *,
    run: Callable[..., ParseReport],
    jobs: int,
    dag_ids: Collection[str] = (),
    on_file: OnFile = lambda report, total: None,
) -> EnvironmentProof:
    """
    Run the DAG files of an environment, and compare.

    :param run: as :func:`~airflow_release_plugin.proof.here.running_here` gives it
    :param jobs: processes at a time
    :param dag_ids: only these; all of them if left out
    :raises NotFoundError: the environment knows no DAG of such an id
    :raises UnavailableError: a release came meanwhile, so that nobody can tell
    """
    started = time.monotonic()
    served = environment.served()
    paths = _paths(served, dag_ids)
    with tempfile.TemporaryDirectory(prefix="airflow-release-") as folder:
        tree = environment.build(Path(folder), served.version)
        there = [path for path in paths if (tree / path).is_file()]
        proving = _EnvironmentProving(environment, served, _Runner(run, tree, jobs))
        dags = proving.prove(paths, there, on_file)
    if any(dag.standing.is_wrong for dag in dags) and environment.served().version != served.version:
        raise UnavailableError(
            "A release came to %(environment)r while it was proven. Prove it again, once "
            "Airflow has parsed that.",
            environment=served.environment,
        )
    wanted = frozenset(dag_ids)
    return EnvironmentProof(
        version=served.version,
        files=len(there),
        dags=tuple(dag for dag in dags if not wanted or not dag.dag_id or dag.dag_id in wanted),
        confinement=proving.confinement,
        seconds=round(time.monotonic() - started, 3),
    )


def _paths(served: ServedDags, dag_ids: Collection[str]) -> list[str]:
    """The DAG files to look at, sorted."""
    if not dag_ids:
        return sorted(served.dag_files)
    known = {dag_id for ids in served.dag_files.values() for dag_id in ids}
    if unknown := sorted(set(dag_ids) - known):
        raise NotFoundError(
            "%(environment)r has no Dag %(unknown)s; `airflow dags list` shows what Airflow serves.",
            environment=served.environment,
            unknown=unknown,
        )
    return sorted(path for path, ids in served.dag_files.items() if not set(dag_ids).isdisjoint(ids))


@dataclass(frozen=True)
class _Runner:
    """Runs files of one tree, several at a time."""

    run: Callable[..., ParseReport]
    tree: Path
    jobs: int

    def reports(
        self, paths: Sequence[str], on_file: Callable[[FileReport], None]
    ) -> tuple[dict[str, FileReport], Confinement]:
        # Each n-th: files that lie together are of one kind, and heavy or light together.
        parts = [paths[start :: self.jobs] for start in range(min(self.jobs, len(paths)))]

        one_at_a_time = Lock()

        def note(path: str, report: FileReport | None) -> None:
            if report is not None:
                with one_at_a_time:
                    on_file(report)

        with ThreadPoolExecutor(max_workers=max(1, len(parts))) as pool:
            found = list(pool.map(lambda part: self.run(self.tree, part, on_progress=note), parts))
        reports = {report.path: report for parsed in found for report in parsed.files}
        weakest = min((parsed.confinement for parsed in found), key=_strength, default=NOTHING_KNOWN)
        return {path: reports[path] for path in paths}, weakest


def _strength(confinement: Confinement) -> tuple[bool, bool]:
    return confinement.is_whole, confinement.files


class _EnvironmentProving:
    def __init__(self, environment: ProvableEnvironment, served: ServedDags, runner: _Runner) -> None:
        self._environment = environment
        self._known = served
        self._version = served.version
        self._served = {dag.dag_id: dag for dag in served.dags}
        self._by_path: dict[str, list[str]] = defaultdict(list)
        for dag in served.dags:
            self._by_path[dag.path].append(dag.dag_id)
        self._runner = runner
        self.confinement = NOTHING_KNOWN

    def prove(self, paths: Sequence[str], there: Sequence[str], on_file: OnFile) -> list[ProvenDag]:
        reports, self.confinement = self._runner.reports(there, lambda report: on_file(report, len(there)))
        differing = {
            path: found
            for path, report in reports.items()
            if not _problem(report) and (found := self._differences(report))
        }
        # What differs from run to run is no fault of whoever stored it.
        again, _ = self._runner.reports(list(differing), lambda report: None)
        shaky = {
            path: differences(dict(reports[path].serialized), dict(report.serialized))
            for path, report in again.items()
        }
        return [
            dag
            for path in paths
            for dag in self._of_file(path, reports.get(path), differing.get(path, ()), shaky.get(path, ()))
        ]

    def _of_file(
        self,
        path: str,
        report: FileReport | None,
        differing: Sequence[Difference],
        shaky: Sequence[Difference],
    ) -> Iterator[ProvenDag]:
        released = self._known.dag_files.get(path, ())
        if report is None:
            detail = Message(
                "The version %(version)s has no %(path)s.", version=self._version[:_SHORT], path=path
            )
            yield from (ProvenDag(dag_id, path, Standing.MISSING, detail) for dag_id in released)
            return
        if problem := _problem(report) or self._error(path):
            yield from (
                ProvenDag(dag_id, path, Standing.BROKEN, problem) for dag_id in sorted(released) or [""]
            )
            return
        tolerated = unsteady(differing, shaky)
        made = dict(report.serialized)
        for dag_id in sorted({*released, *made}):
            own = [each for each in differing if each.dag_id == dag_id]
            if dag_id not in made and dag_id not in self._served:
                detail = Message(
                    "It was released; %(path)s makes no such Dag, and Airflow serves none.", path=path
                )
                yield ProvenDag(dag_id, path, Standing.MISSING, detail)
                continue
            if not own:
                yield ProvenDag(dag_id, path, Standing.EQUAL)
                continue
            real = [each for each in own if each not in tolerated]
            shown = real or own
            standing = Standing.UNSTEADY if not real else Standing.DIFFERENT
            if real and any(not each.where for each in real):
                standing = Standing.MISSING
            yield ProvenDag(dag_id, path, standing, self._detail(path, shown, is_steady=bool(real)))

    def _error(self, path: str) -> str:
        error = self._known.errors.get(path, "")
        return (
            Message("It runs here, and Airflow could not import it: %(error)s", error=error) if error else ""
        )

    def _differences(self, report: FileReport) -> tuple[Difference, ...]:
        """Where what Airflow serves is not what the file makes."""
        made = dict(report.serialized)
        first: dict[str, str] = {}
        for dag_id in {*made, *self._by_path[report.path]}:
            known = self._served.get(dag_id)
            if known is None or known.path != report.path:
                continue
            if dag_id in made and digest_of(made[dag_id]) == known.digest:
                first[dag_id] = made[dag_id]
            elif dag_id in made:
                first |= self._text(dag_id)
            else:
                first[dag_id] = ""
        return differences(first, made)

    def _text(self, dag_id: str) -> Mapping[str, str]:
        try:
            return {dag_id: self._environment.text(dag_id)}
        except NotFoundError:  # gone since
            return {}

    def _detail(self, path: str, differing: Sequence[Difference], *, is_steady: bool) -> str:
        lines = [self._place(path, each) for each in differing[:_MOST_PLACES]]
        if len(differing) > _MOST_PLACES:
            lines.append(Message("%(more)s more places differ.", more=len(differing) - _MOST_PLACES))
        known = self._served.get(differing[0].dag_id)
        if not is_steady:
            lines.append(Message("Two runs differ like that, too: it depends on the clock, or on chance."))
        elif known is not None and known.version and known.version != self._version:
            lines.append(
                Message(
                    "Airflow has it from %(served)s; the environment is at %(current)s.",
                    served=known.version[:_SHORT],
                    current=self._version[:_SHORT],
                )
            )
        return together(lines, "\n")

    def _place(self, path: str, each: Difference) -> str:
        if each.where:
            first, second = each.first or Message("not there"), each.second or Message("not there")
            return Message(
                "%(where)s: Airflow serves %(first)s, the code makes %(second)s.",
                where=each.where,
                first=first,
                second=second,
            )
        if each.first:
            return Message("Airflow serves it, and %(path)s makes no such Dag.", path=path)
        known = self._served.get(each.dag_id)
        if known is None:
            return Message("%(path)s makes it, and Airflow does not serve it.", path=path)
        return Message(
            "%(path)s makes it, and Airflow serves it from %(other)s.", path=path, other=known.path
        )


def _problem(report: FileReport) -> str:
    """Why a file cannot be proven: the last line of its error, or what it read; empty for one that runs."""
    if report.error:
        return report.reason
    return together(found) if (found := refusals(report)) else ""
