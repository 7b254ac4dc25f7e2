"""What a release does, as far as its risk goes: read from reports, the store and what the target holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.analysis.structure_diff import DagDiff, diff_dags
from airflow_release_plugin.analysis.text_diff import diff_texts
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Submission
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import target_index
from airflow_release_plugin.services.versions.parsed_units import (
    ParsedUnit,
    checked_units,
    target_units,
    units_of,
)

_DIFFED = 100
"""Changed files whose bytes are in memory at a time."""
FACT_OF_FILE = {
    ChangeKind.NEW: ChangeFact.NEW,
    ChangeKind.MODIFIED: ChangeFact.MODIFIED,
    ChangeKind.RENAMED: ChangeFact.MODIFIED,
    ChangeKind.DELETED: ChangeFact.REMOVED,
}


class ChangedLines(NamedTuple):
    """How many lines of text a change adds and removes."""

    added: int
    removed: int


def structure_diff(ctx: Context, release: Release) -> tuple[DagDiff, ...]:
    """The DAGs of a release before and after, as their checks saw them; empty before the first check."""
    new = checked_units(ctx, release)
    if not new and any(item.change is not ChangeKind.DELETED for item in release.items):
        return ()
    old = target_units(ctx, [item.submission.unit_id for item in release.items], before=release)
    paths = {item.path for item in release.items}
    return diff_dags(
        [dag for unit in old.values() for dag in unit.dags],
        [dag for path, unit in new.items() if path in paths for dag in unit.dags],
    )


def facts_of(ctx: Context, release: Release) -> RiskFacts:
    """The facts of a release, as good as they are known: after its check they are complete."""
    new = checked_units(ctx, release)
    old = target_units(ctx, [item.submission.unit_id for item in release.items], before=release)
    live = _concerned(ctx, release, (*old.values(), *new.values()))
    reasons: dict[ChangeFact, list[str]] = defaultdict(list)
    for diff in structure_diff(ctx, release):
        for fact, reason in diff.facts():
            reasons[fact].append(reason)
    for fact, reason in (*_file_facts(ctx, release), *_gaps(release, old, new), *_also(release, live, new)):
        reasons[fact].append(reason)
    parsed = [dag for unit in (*old.values(), *live.values(), *new.values()) for dag in unit.dags]
    lines = _lines(ctx, release.base_commit, release.changes)
    return RiskFacts(
        dags=subjects(ctx, [item.submission for item in release.items], parsed),
        changes=frozenset(reasons),
        lines=sum(lines),
        lines_added=lines.added,
        impacted=_impacted(ctx, release, (*old.values(), *new.values()), live),
        reasons=tuple((fact.value, tuple(reasons[fact])) for fact in ChangeFact if fact in reasons),
        also_changed=_other_subjects(ctx, release, live, parsed),
    )


def to_record(facts: RiskFacts) -> dict[str, Any]:
    """The facts as they are kept with the release."""
    return {
        "dags": [_subject_record(dag) for dag in facts.dags],
        "also_changed": [_subject_record(dag) for dag in facts.also_changed],
        "changes": sorted(fact.value for fact in facts.changes),
        "lines": facts.lines,
        "lines_added": facts.lines_added,
        "impacted": list(facts.impacted),
        "reasons": [[fact, list(reasons)] for fact, reasons in facts.reasons],
    }


def _subject_record(dag: DagSubject) -> dict[str, Any]:
    return {"id": dag.dag_id, "tags": sorted(dag.tags), "owners": sorted(dag.owners), "source": dag.source}


def _recorded_subject(record: Mapping[str, Any]) -> DagSubject:
    return DagSubject(record["id"], frozenset(record["tags"]), frozenset(record["owners"]), record["source"])


def recorded_facts(ctx: Context, release: Release) -> RiskFacts:
    """The facts that the level was found on; the target may have moved on since."""
    record = release.risk_json
    if not record or release.state is ReleaseState.CHECKING:
        return facts_of(ctx, release)
    return RiskFacts(
        dags=tuple(_recorded_subject(dag) for dag in record["dags"]),
        also_changed=tuple(_recorded_subject(dag) for dag in record["also_changed"]),
        changes=frozenset(ChangeFact(fact) for fact in record["changes"]),
        lines=record["lines"],
        lines_added=record["lines_added"],
        impacted=tuple(record["impacted"]),
        reasons=tuple((fact, tuple(reasons)) for fact, reasons in record["reasons"]),
    )


def draft_facts(
    ctx: Context,
    chosen: Sequence[Submission],
    changes: Sequence[TreeChange],
    base: str | None,
    read: Callable[[str], bytes] | None = None,
) -> RiskFacts:
    """
    What is known of submissions before they are checked: enough to preview reviewers.

    :param base: commit that the changes are against
    :param read: where new content comes from, if not from the store
    """
    lines = _lines(ctx, base, changes, read)
    own = {submission.unit_id for submission in chosen}
    return RiskFacts(
        dags=subjects(ctx, chosen),
        changes=frozenset(
            {FACT_OF_FILE[submission.change] for submission in chosen}
            | ({ChangeFact.SHARED_FILE} if _users_elsewhere(ctx, own, changes) else set())
        ),
        lines=sum(lines),
        lines_added=lines.added,
    )


def subjects(
    ctx: Context, chosen: Sequence[Submission], parsed: Iterable[ParsedDag] = ()
) -> tuple[DagSubject, ...]:
    """
    The DAGs of submissions with every tag and owner that they have in source or target, or in a check.

    All of them together: taking a tag away must not take a DAG out of a flow's scope.
    """
    dag_ids = {dag_id for submission in chosen for dag_id in submission.dag_ids}
    return _subjects(ctx, dag_ids, [submission.path for submission in chosen], parsed)


def _subjects(
    ctx: Context, dag_ids: Collection[str], paths: Collection[str], parsed: Iterable[ParsedDag]
) -> tuple[DagSubject, ...]:
    tags: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for bundle in (ctx.settings.source, ctx.settings.environment):
        for dag_id, facts in _by_id(ctx, ctx.airflow.source.facts(bundle, paths)).items():
            tags[dag_id].update(facts.tags)
            owners[dag_id].update(facts.owners)
    for dag in parsed:
        tags[dag.dag_id].update(dag.tags)
        owners[dag.dag_id].update(dag.owners)
    return tuple(
        DagSubject(
            dag_id,
            tags=frozenset(tags[dag_id]),
            owners=frozenset(owners[dag_id]),
            source=ctx.settings.source,
        )
        for dag_id in sorted(dag_ids)
    )


def _by_id(ctx: Context, facts: Mapping[str, tuple[DagFacts, ...]]) -> dict[str, DagFacts]:
    return {ctx.settings.target_id(dag.dag_id): dag for dags in facts.values() for dag in dags}


def _concerned(ctx: Context, release: Release, both: Sequence[ParsedUnit]) -> dict[str, ParsedUnit]:
    """
    Those in the target that make DAGs of the release, wait for them, or are started by what it produces.

    :param both: its files before and now
    """
    own = {dag_id for item in release.items for dag_id in item.dag_ids}
    rows = target_index.concerned(
        ctx, dag_ids=own.union(release.also_changes), awaited=own, assets=_produced(both)
    )
    return units_of(ctx, [row for row in rows if row.release_id != release.id])


def _produced(units: Iterable[ParsedUnit]) -> set[str]:
    return {name for unit in units for dag in unit.dags for name in dag.assets_out}


def _file_facts(ctx: Context, release: Release) -> Iterable[tuple[ChangeFact, str]]:
    for item in release.items:
        yield FACT_OF_FILE[item.change], item.path
    for path, others in shared_with(ctx, release).items():
        yield (
            ChangeFact.SHARED_FILE,
            Message("%(path)s (also used by %(others)s)", path=path, others=list(others)),
        )


def _gaps(
    release: Release, old: Mapping[str, ParsedUnit], new: Mapping[str, ParsedUnit]
) -> Iterable[tuple[ChangeFact, str]]:
    """Files of which nobody reported what they did before, or do now."""
    for item in release.items:
        if item.change is not ChangeKind.NEW and item.path not in old:
            yield ChangeFact.UNKNOWN, Message("%(path)s before", path=item.path)
        if item.change is not ChangeKind.DELETED and item.path not in new:
            yield ChangeFact.UNKNOWN, Message("%(path)s now", path=item.path)


def _also(
    release: Release, live: Mapping[str, ParsedUnit], new: Mapping[str, ParsedUnit]
) -> Iterator[tuple[ChangeFact, str]]:
    """What becomes of the DAGs that the release changes without naming them: as much as if it named them."""
    if not release.also_changes:
        return
    yield (
        ChangeFact.ALSO_CHANGES,
        Message("Also changes %(dag_ids)s", dag_ids=list(release.also_changes)),
    )
    before, now = _those(release.also_changes, live), _those(release.also_changes, new)
    for dag_id in release.also_changes:
        yield ChangeFact.MODIFIED, Message("%(dag_id)s (also changes)", dag_id=dag_id)
        if dag_id not in before:
            yield ChangeFact.UNKNOWN, Message("%(dag_id)s before", dag_id=dag_id)
        if dag_id not in now:
            yield ChangeFact.UNKNOWN, Message("%(dag_id)s now", dag_id=dag_id)
    both = before.keys() & now.keys()
    for diff in diff_dags([before[each] for each in both], [now[each] for each in both]):
        yield from diff.facts()


def _those(dag_ids: Collection[str], units: Mapping[str, ParsedUnit]) -> dict[str, ParsedDag]:
    return {dag.dag_id: dag for unit in units.values() for dag in unit.dags if dag.dag_id in dag_ids}


def _other_subjects(
    ctx: Context, release: Release, live: Mapping[str, ParsedUnit], parsed: Iterable[ParsedDag]
) -> tuple[DagSubject, ...]:
    """The DAGs that it changes without naming them, as scopes and levels see them."""
    wanted = set(release.also_changes)
    if not wanted:
        return ()
    rows = target_index.makers_of(ctx, wanted)
    paths = {row.path for row in rows if not wanted.isdisjoint(row.dag_ids)}
    paths |= {path for path, unit in live.items() if any(dag.dag_id in wanted for dag in unit.dags)}
    return _subjects(ctx, wanted, paths, parsed)


def shared_with(ctx: Context, release: Release) -> dict[str, list[str]]:
    """Changed files that released units outside of the release use too: path to their DAG ids."""
    return _users_elsewhere(ctx, {item.submission.unit_id for item in release.items}, release.changes)


def _users_elsewhere(
    ctx: Context, own: Collection[int], changes: Iterable[TreeChange]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row, used in target_index.users_of(ctx, {change.path for change in changes}).items():
        if row.unit_id not in own:
            for path in sorted(used):
                found[path] += row.dag_ids
    return dict(found)


def _impacted(
    ctx: Context, release: Release, both: Sequence[ParsedUnit], live: Mapping[str, ParsedUnit]
) -> tuple[str, ...]:
    """
    DAGs outside of the release that may feel it: shared files, assets, triggers, waiting sensors.

    :param both: its files before and now: also who waits for what it no longer produces or triggers
    :param live: the files of the target that this may be about
    """
    own = {dag_id for item in release.items for dag_id in item.dag_ids}
    impacted = {dag_id for others in shared_with(ctx, release).values() for dag_id in others}
    impacted.update(release.also_changes)
    produced = _produced(both)
    impacted |= {dag_id for unit in both for dag_id in unit.references.triggered_dags}
    for unit in live.values():
        for dag in unit.dags:
            waits = not own.isdisjoint(unit.references.awaited_dags)
            if waits or not produced.isdisjoint(dag.assets_in):
                impacted.add(dag.dag_id)
    return tuple(sorted(impacted - own))


def _lines(
    ctx: Context,
    base: str | None,
    changes: Sequence[TreeChange],
    read: Callable[[str], bytes] | None = None,
) -> ChangedLines:
    before = ctx.store.entries(base, [change.path for change in changes])
    parts = [
        _lines_of(ctx, before, changes[start : start + _DIFFED], read)
        for start in range(0, len(changes), _DIFFED)
    ]
    return ChangedLines(sum(part.added for part in parts), sum(part.removed for part in parts))


def _lines_of(
    ctx: Context,
    before: Mapping[str, FileEntry],
    changes: Sequence[TreeChange],
    read: Callable[[str], bytes] | None,
) -> ChangedLines:
    old = {change.path: before[change.path].blob for change in changes if change.path in before}
    new = {change.path: change.entry.blob for change in changes if change.entry}
    blobs = dict(ctx.store.read_all({*old.values(), *(() if read else new.values())}))
    find = read or blobs.__getitem__
    added = removed = 0
    for change in changes:
        diff = diff_texts(
            blobs[old[change.path]] if change.path in old else None,
            find(new[change.path]) if change.entry else None,
        )
        added, removed = added + diff.added, removed + diff.removed
    return ChangedLines(added, removed)
