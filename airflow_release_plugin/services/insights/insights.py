"""The figures of a period, over what somebody may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.insights.distribution import Spread
from airflow_release_plugin.domain.insights.figures import Figures
from airflow_release_plugin.domain.insights.question import Breakdown, InsightQuestion, LabelKind
from airflow_release_plugin.domain.insights.tally import BEFORE, Tally, TrendPoint
from airflow_release_plugin.repositories import insight_durations as durations
from airflow_release_plugin.repositories import insights as queries
from airflow_release_plugin.repositories.insight_durations import DurationSource, WaitRow
from airflow_release_plugin.repositories.insights import InsightScope, OpenRequest
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

MOST_ROWS = 20
"""Names that a breakdown has, the most released ones."""
_NOTHING = InsightScope(unit_ids=())


@dataclass(frozen=True)
class BreakdownSummary:
    """
    The versions of a period under one name.

    :param name: a DAG, tag, owner or flow; empty for what nobody had to approve
    """

    name: str
    versions: int
    failed: int
    lead: Spread

    @property
    def failure_rate(self) -> float:
        """Part of the versions whose release failed, 0 to 1."""
        return self.failed / self.versions


@dataclass(frozen=True)
class StepSummary:
    """How long a step of a flow took, in the period and in the one before."""

    flow: str
    step: str
    now: Spread
    before: Spread


@dataclass(frozen=True)
class PersonSummary:
    """
    How long requests had waited when somebody decided.

    :param asked: how many requests were put to them that they have not answered and that still wait
    :param asked_since: when the oldest of these was opened
    """

    id: str
    name: str
    now: Spread
    before: Spread
    asked: int = 0
    asked_since: datetime | None = None


@dataclass(frozen=True)
class InsightChoices:
    """What a question can be narrowed to."""

    dags: Sequence[str] = ()
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    flows: Sequence[str] = ()


@dataclass(frozen=True)
class InsightDetail:
    """
    The answer.

    :param waiting: releases that wait for agreement now
    :param waiting_since: when the oldest of these requests was opened
    """

    question: InsightQuestion
    now: Figures
    before: Figures
    trend: tuple[TrendPoint, ...]
    breakdown: tuple[BreakdownSummary, ...]
    steps: tuple[StepSummary, ...]
    people: tuple[PersonSummary, ...]
    waiting: int
    waiting_since: datetime | None
    choices: InsightChoices = field(default_factory=InsightChoices)

    @property
    def is_empty(self) -> bool:
        """Whether nothing reached the target in either period, nor failed there, and nothing waits."""
        before = self.before
        return not (
            self.now.released or before.released or self.now.restore.total or self.now.unrestored
        ) and not (self.waiting or self.steps or self.people)


def get_insights(ctx: Context, *, actor: Actor, question: InsightQuestion) -> InsightDetail:
    """
    The figures over all that the actor may read; a fixed number of queries, whatever was released.

    Of a DAG that there is not, and of one that they may not see, they learn the same: nothing.
    """
    readable = access.readable_units(ctx, actor)
    scope = _scope(ctx, actor, question, readable)
    period, session = question.period, ctx.session
    tally = Tally(period)
    for arrivals in queries.arrivals(session, period, scope):
        tally.add_arrivals(arrivals)
    source = durations.source(session, period, scope)
    for lead in durations.lead_times(session, source):
        tally.add_lead(lead)
    for failure in queries.failures(session, period, scope):
        tally.add_failure(failure)
    requests = queries.open_requests(session, scope, ctx.clock())
    found = InsightDetail(
        question=question,
        now=tally.now,
        before=tally.before,
        trend=tally.trend,
        breakdown=_breakdown(ctx, question, source),
        steps=_steps(durations.step_waits(session, source)),
        people=_people(durations.person_waits(session, source), requests),
        waiting=len({request.id for request in requests}),
        waiting_since=requests[0].opened_at if requests else None,
        choices=_choices(
            queries.choices(session, readable),
            queries.flows(session, period, InsightScope(readable)),
        ),
    )
    return found if readable is None else _without_hidden_names(ctx, actor, found)


def _scope(ctx: Context, actor: Actor, question: InsightQuestion, readable: set[int] | None) -> InsightScope:
    labels = [(LabelKind.TAG, question.tag), (LabelKind.OWNER, question.owner)]
    if question.dag_id:
        target_id = ctx.settings.target_id(question.dag_id)
        if not access.may_read(ctx, actor, [target_id]):
            return _NOTHING
        labels.append((LabelKind.DAG, target_id))
    return InsightScope(readable, tuple(label for label in labels if label[1]), question.flow)


def _breakdown(
    ctx: Context, question: InsightQuestion, source: DurationSource
) -> tuple[BreakdownSummary, ...]:
    counts = queries.breakdown(ctx.session, question.period, source.scope, question.by, limit=MOST_ROWS)
    names = [row.name for row in counts]
    leads = dict(durations.named_lead_times(ctx.session, source, question.by, names))
    return tuple(BreakdownSummary(row.name, row.versions, row.failed, leads[row.name]) for row in counts)


def _by_key(rows: Iterable[WaitRow]) -> dict[tuple[str, str], dict[bool, Spread]]:
    """By what was waited for: how long, in the period before (``True``) and in the period itself."""
    found: dict[tuple[str, str], dict[bool, Spread]] = defaultdict(dict)
    for row in rows:
        found[row.key][row.bucket == BEFORE] = row.waits
    return found


def _steps(rows: Iterable[WaitRow]) -> tuple[StepSummary, ...]:
    return tuple(
        StepSummary(flow, step, spreads[False], spreads.get(True, Spread()))
        for (flow, step), spreads in sorted(_by_key(rows).items(), key=lambda pair: pair[0])
        if False in spreads
    )


def _people(rows: Iterable[WaitRow], requests: Sequence[OpenRequest]) -> tuple[PersonSummary, ...]:
    people: dict[str, PersonSummary] = {}
    # The name that somebody has now comes last, and stays.
    for row in sorted(rows, key=lambda row: row.bucket):
        known = people.get(row.key[0], PersonSummary(*row.key, Spread(), Spread()))
        at = {"before": row.waits} if row.bucket == BEFORE else {"now": row.waits, "name": row.key[1]}
        people[row.key[0]] = replace(known, **at)
    for asked, name, opened_at in _unanswered(requests):
        known = people.get(asked, PersonSummary(asked, name, Spread(), Spread()))
        people[asked] = replace(
            known, asked=known.asked + 1, asked_since=min(known.asked_since or opened_at, opened_at)
        )
    shown = [person for person in people.values() if person.now.total or person.asked]
    return tuple(sorted(shown, key=lambda person: (-person.now.total, person.name)))


def _unanswered(requests: Sequence[OpenRequest]) -> Iterable[tuple[str, str, datetime]]:
    """Id and name of each person that was asked and has not decided, with when they were asked."""
    decided = {(request.id, request.decided_by) for request in requests}
    for request in {request.id: request for request in requests}.values():
        for person in request.reviewers:
            if (request.id, person["id"]) not in decided:
                yield person["id"], person["name"], request.opened_at


def _choices(labels: Iterable[tuple[LabelKind, str]], flows: Sequence[str]) -> InsightChoices:
    names: dict[LabelKind, list[str]] = defaultdict(list)
    for kind, name in labels:
        names[kind].append(name)
    return InsightChoices(names[LabelKind.DAG], names[LabelKind.TAG], names[LabelKind.OWNER], flows)


def _without_hidden_names(ctx: Context, actor: Actor, found: InsightDetail) -> InsightDetail:
    """The same without DAGs that stand in a file with others, of which alone the actor may know."""
    by_dag = found.question.by is Breakdown.DAG
    names = {*found.choices.dags, *(row.name for row in found.breakdown if by_dag)}
    readable = ctx.airflow.access.readable(actor, access.both_ids(ctx, names))
    shown = {name for name in names if not readable.isdisjoint(access.both_ids(ctx, [name]))}
    return replace(
        found,
        choices=replace(found.choices, dags=[name for name in found.choices.dags if name in shown]),
        breakdown=tuple(row for row in found.breakdown if not by_dag or row.name in shown),
    )
