"""What a release does, as far as its risk goes: read from reports, the store and what the target holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.parse_report import ParsedDag
from airflow_release_plugin.analysis.references import References
from airflow_release_plugin.analysis.structure_diff import DagDiff, diff_dags
from airflow_release_plugin.analysis.text_diff import diff_texts
from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.domain.files import TreeChange
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.risk import ChangeFact, DagSubject, RiskFacts
from airflow_release_plugin.models import Release, Report, Submission
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.repositories import submissions as submission_queries
from airflow_release_plugin.services.context import Context
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class ParsedUnit:
    """What a check found in one DAG file."""

    dags: tuple[ParsedDag, ...]
    references: References


def parsed_units(reports: Iterable[Report]) -> dict[str, ParsedUnit]:
    """By path, what the latest of ``reports`` found."""
    found: dict[str, ParsedUnit] = {}
    for report in reports:
        for item in report.items:
            facts, path = item.get("facts") or {}, item.get("path")
            if path and "dags" in facts:
                references = facts.get("references") or {}
                found[path] = ParsedUnit(
                    tuple(ParsedDag.from_dict(dag) for dag in facts["dags"]),
                    References(**{key: tuple(value) for key, value in references.items()}),
                )
    return found


def structure_diff(ctx: Context, release: Release) -> tuple[DagDiff, ...]:
    """The DAGs of a release before and after, as their checks saw them; empty before the first check."""
    new = parsed_units(_reports(ctx, [release.id], release.attempt))
    if not new and any(item.change is not ChangeKind.DELETED for item in release.items):
        return ()
    old = _target_units(ctx, [item.submission.unit_id for item in release.items], before=release)
    paths = {item.path for item in release.items}
    return diff_dags(
        [dag for unit in old.values() for dag in unit.dags],
        [dag for path, unit in new.items() if path in paths for dag in unit.dags],
    )


def facts_of(ctx: Context, release: Release) -> RiskFacts:
    """The facts of a release, as good as they are known: after its check they are complete."""
    diffs = structure_diff(ctx, release)
    reasons: dict[ChangeFact, list[str]] = defaultdict(list)
    for diff in diffs:
        for fact, reason in diff.facts():
            reasons[fact].append(reason)
    for fact, reason in _file_facts(ctx, release):
        reasons[fact].append(reason)
    return RiskFacts(
        dags=subjects(ctx, [item.submission for item in release.items]),
        changes=frozenset(reasons),
        lines=_lines(ctx, release.base_commit, release.changes),
        impacted=_impacted(ctx, release),
        reasons=tuple((fact.value, tuple(reasons[fact])) for fact in ChangeFact if fact in reasons),
    )


def draft_facts(ctx: Context, chosen: Sequence[Submission], changes: Sequence[TreeChange]) -> RiskFacts:
    """What is known of submissions before they are checked: enough to offer reviewers."""
    kinds = {
        ChangeKind.NEW: ChangeFact.NEW,
        ChangeKind.MODIFIED: ChangeFact.MODIFIED,
        ChangeKind.DELETED: ChangeFact.REMOVED,
    }
    head = ctx.store.ref(environment_ref(ctx.settings.environment))
    return RiskFacts(
        dags=subjects(ctx, chosen),
        changes=frozenset(kinds[submission.change] for submission in chosen),
        lines=_lines(ctx, head, changes),
    )


def subjects(ctx: Context, chosen: Sequence[Submission]) -> tuple[DagSubject, ...]:
    """The DAGs of submissions with tags and owners as Airflow knows them, in source or target."""
    paths = [submission.path for submission in chosen]
    in_source = _by_id(ctx, ctx.airflow.source.facts(ctx.settings.source, paths))
    in_target = _by_id(ctx, ctx.airflow.source.facts(ctx.settings.environment, paths))
    found = []
    for dag_id in sorted({dag_id for submission in chosen for dag_id in submission.dag_ids}):
        facts = in_source.get(dag_id) or in_target.get(dag_id)
        found.append(
            DagSubject(
                dag_id,
                tags=frozenset(facts.tags if facts else ()),
                owners=frozenset(facts.owners if facts else ()),
                source=ctx.settings.source,
            )
        )
    return tuple(found)


def _by_id(ctx: Context, facts: Mapping[str, tuple[DagFacts, ...]]) -> dict[str, DagFacts]:
    return {ctx.settings.target_id(dag.dag_id): dag for dags in facts.values() for dag in dags}


def _reports(ctx: Context, release_ids: Iterable[int], attempt: int | None = None) -> list[Report]:
    rows = release_queries.passed_checks(ctx.session, release_ids)
    return [row for row in rows if attempt is None or row.attempt == attempt]


def _target_units(
    ctx: Context, unit_ids: Iterable[int] | None = None, *, before: Release | None = None
) -> dict[str, ParsedUnit]:
    """What the target holds, as the checks of the releases that brought it there saw it."""
    live = submission_queries.live_by_unit(ctx.session, ctx.settings.source)
    wanted = set(live) if unit_ids is None else set(unit_ids) & set(live)
    rows = [live[unit] for unit in wanted if before is None or live[unit].release_id != before.id]
    parsed = parsed_units(_reports(ctx, {row.release_id for row in rows if row.release_id is not None}))
    return {row.path: parsed[row.path] for row in rows if row.path in parsed}


def _file_facts(ctx: Context, release: Release) -> Iterable[tuple[ChangeFact, str]]:
    for item in release.items:
        if item.change is ChangeKind.MODIFIED:
            yield ChangeFact.MODIFIED, item.path
    for path, others in shared_with(ctx, release).items():
        yield ChangeFact.SHARED_FILE, f"{path} (also used by {', '.join(others)})"


def shared_with(ctx: Context, release: Release) -> dict[str, list[str]]:
    """Changed files that released units outside of the release use too: path to their DAG ids."""
    own = {item.submission.unit_id for item in release.items}
    changed = {change.path for change in release.changes}
    found: dict[str, list[str]] = defaultdict(list)
    for unit, row in sorted(submission_queries.live_by_unit(ctx.session, ctx.settings.source).items()):
        if unit not in own:
            for path in sorted(changed & {entry.path for entry in row.entries}):
                found[path] += row.dag_ids
    return dict(found)


def _impacted(ctx: Context, release: Release) -> tuple[str, ...]:
    """DAGs outside of the release that may feel it: shared files, assets, triggers, waiting sensors."""
    own = {dag_id for item in release.items for dag_id in item.dag_ids}
    impacted = {dag_id for others in shared_with(ctx, release).values() for dag_id in others}
    new = parsed_units(_reports(ctx, [release.id], release.attempt))
    produced = {name for unit in new.values() for dag in unit.dags for name in dag.assets_out}
    impacted |= {dag_id for unit in new.values() for dag_id in unit.references.triggered_dags}
    for unit in _target_units(ctx).values():
        for dag in unit.dags:
            waits = not own.isdisjoint(unit.references.awaited_dags)
            if waits or not produced.isdisjoint(dag.assets_in):
                impacted.add(dag.dag_id)
    return tuple(sorted(impacted - own))


def _lines(ctx: Context, base: str | None, changes: Sequence[TreeChange]) -> int:
    before = ctx.store.entries(base, [change.path for change in changes])
    total = 0
    for change in changes:
        old = before.get(change.path)
        diff = diff_texts(
            ctx.store.read(old.blob) if old else None,
            ctx.store.read(change.entry.blob) if change.entry else None,
        )
        total += diff.added + diff.removed
    return total
