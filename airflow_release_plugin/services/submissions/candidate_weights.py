"""How heavy rows of the to-be-released list are: lines, risk as it would be, whether dev has tried them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts
from airflow_release_plugin.domain.release.trials import Trial, trials
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Submission, Unit
from airflow_release_plugin.services.approvals import flows
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.candidates import Candidate
from airflow_release_plugin.services.submissions.unit_changes import changes_of
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions.changed_lines import NONE, blobs_of, count_lines
from airflow_release_plugin.services.versions.file_diffs import FilePair
from airflow_release_plugin.services.versions.risk import FACT_OF_FILE, ChangedLines


@dataclass(frozen=True)
class CandidateWeight:
    """
    What a release of one row alone would be, as far as that is known before its check.

    :param lines: against the target as it is now
    :param level: of the flow that would apply, from 1; ``levels`` is how many it has, 0 if nobody approves
    :param trials: one for each DAG; none for what no dev run here can have tried
    """

    lines: ChangedLines
    level: int = 0
    levels: int = 0
    level_name: str = ""
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class _Subject:
    """The content that a row would bring: of the version that waits, else of the source."""

    row: Candidate
    unit: Unit | None
    version: Submission | None
    entries: tuple[FileEntry, ...]
    pairs: list[FilePair]

    @property
    def is_removal(self) -> bool:
        return self.version.is_removal if self.version else self.row.change is ChangeKind.DELETED

    @property
    def was_here(self) -> bool:
        """Whether a dev run here can have tried it."""
        is_made_here = self.version is None or self.version.snapshot_id is not None
        return is_made_here and not self.is_removal


def weigh(ctx: Context, workspace: SourceWorkspace, rows: Sequence[Candidate]) -> dict[str, CandidateWeight]:
    """By path of the row; a fixed number of queries. Rows whose content cannot be determined are left out."""
    chosen = [subject for row in rows if (subject := _subject(workspace, row)) is not None]
    stored = [pair for each in chosen if each.version for pair in each.pairs]
    lines = count_lines(ctx, stored)
    if here := [pair for each in chosen if not each.version for pair in each.pairs]:
        read = workspace.source.files.read_as if ctx.settings.has_source else None
        lines |= count_lines(ctx, here, read_new=read)
    sums = {each.row.path: _sum(each.pairs, lines) for each in chosen}
    levels = _levels(ctx, workspace, chosen, sums)
    tried = _tried(ctx, chosen)
    return {
        path: CandidateWeight(size, *levels.get(path, (0, 0, "")), trials=tried.get(path, ()))
        for path, size in sums.items()
    }


def _subject(workspace: SourceWorkspace, row: Candidate) -> _Subject | None:
    unit = workspace.unit(row.path)
    version = workspace.waiting.get(unit.id) if unit else None
    if version is not None:
        entries = version.entries
    elif row.change is ChangeKind.DELETED:
        entries = ()
    else:
        try:
            entries = workspace.source.closure(row.path).entries
        except ReleaseError:
            return None  # the row says so
    return _Subject(row, unit, version, entries, changes_of(workspace, unit, entries))


def _sum(pairs: Iterable[FilePair], lines: Mapping[tuple[str, str], ChangedLines]) -> ChangedLines:
    counted = [lines.get(blobs_of(pair), NONE) for pair in pairs]
    return ChangedLines(sum(each.added for each in counted), sum(each.removed for each in counted))


def _levels(
    ctx: Context, workspace: SourceWorkspace, chosen: Sequence[_Subject], sums: Mapping[str, ChangedLines]
) -> dict[str, tuple[int, int, str]]:
    """Level, number of levels and name of the level, where somebody approves here."""
    if not ctx.settings.has_target or ctx.settings.is_basic:
        return {}
    subjects = _dag_subjects(ctx, workspace, chosen)
    facts = []
    for each in chosen:
        changes = {FACT_OF_FILE[each.version.change if each.version else each.row.change]}
        if workspace.others_released({pair.path for pair in each.pairs}, each.unit):
            changes.add(ChangeFact.SHARED_FILE)
        size = sums[each.row.path]
        facts.append(
            RiskFacts(
                dags=tuple(subjects[dag_id] for dag_id in _dag_ids(each)),
                changes=frozenset(changes),
                lines=sum(size),
                lines_added=size.added,
            )
        )
    found = flows.try_each(ctx, kind=ReleaseKind.PROMOTION, facts=facts)
    levels = [(trial.level or 1, trial.flow.levels) for trial in found]
    return {
        each.row.path: (level, len(all_of), all_of[level - 1].name)
        for each, (level, all_of) in zip(chosen, levels, strict=True)
    }


def _dag_ids(subject: _Subject) -> tuple[str, ...]:
    return tuple(subject.version.dag_ids) if subject.version else subject.row.dag_ids


def _dag_subjects(
    ctx: Context, workspace: SourceWorkspace, chosen: Sequence[_Subject]
) -> dict[str, DagSubject]:
    """By id in the target, with every tag and owner that a DAG has in source or target."""
    ids = {dag_id for each in chosen for dag_id in _dag_ids(each)}
    paths = {each.row.path for each in chosen} | {p for e in chosen if (p := e.row.renamed_from)}
    there = ctx.airflow.source.facts(ctx.settings.environment, paths)
    here = workspace.facts(_having(ctx, workspace, ids)) if ctx.settings.has_source else {}
    tags: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for dag in (dag for facts in (*here.values(), *there.values()) for dag in facts):
        dag_id = ctx.settings.target_id(dag.dag_id)
        if dag_id in ids:
            tags[dag_id].update(dag.tags)
            owners[dag_id].update(dag.owners)
    return {
        dag_id: DagSubject(
            dag_id, frozenset(tags[dag_id]), frozenset(owners[dag_id]), source=ctx.settings.source
        )
        for dag_id in ids
    }


def _having(ctx: Context, workspace: SourceWorkspace, dag_ids: Collection[str]) -> set[str]:
    """Files of the source in which Airflow found any of these DAGs of the target."""
    target_id = ctx.settings.target_id
    return {
        path
        for path, dags in workspace.known.items()
        if any(target_id(dag.dag_id) in dag_ids for dag in dags)
    }


def _tried(ctx: Context, chosen: Sequence[_Subject]) -> dict[str, tuple[Trial, ...]]:
    made = [each for each in chosen if each.was_here]
    ids = {ctx.settings.source_id(dag_id) for each in made for dag_id in _dag_ids(each)}
    runs: dict[str, list[DevRun]] = defaultdict(list)
    for run in ctx.airflow.tasks.observed_runs(ids) if ids else ():
        runs[run.dag_id].append(run)
    return {
        each.row.path: trials(
            each.version.path if each.version else each.row.path,
            {entry.path: entry.blob for entry in each.entries},
            {dag_id: runs[ctx.settings.source_id(dag_id)] for dag_id in _dag_ids(each)},
        )
        for each in made
    }
