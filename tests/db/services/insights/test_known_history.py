"""The figures of a history that is known, on both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.insights.distribution import Distribution
from airflow_release_plugin.domain.insights.durations import DurationKind
from airflow_release_plugin.domain.insights.figures import Figures
from airflow_release_plugin.domain.insights.histogram import with_one
from airflow_release_plugin.domain.insights.period import Period, day_of, month_number
from airflow_release_plugin.domain.insights.question import InsightQuestion
from airflow_release_plugin.models import DeployedVersion, Deployment, DurationCount, Wait
from airflow_release_plugin.services.insights.insights import InsightDetail, get_insights
from tests.conftest import BACKENDS
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World
from tests.harness.release_history import (
    HistoryMaker,
    KnownAnswers,
    PlannedChange,
    known_answers,
    planned_history,
    ranked,
)

START = datetime(2026, 1, 1, 16, tzinfo=timezone.utc)
DAYS = 30
PERIOD = Period(START.date() + timedelta(days=DAYS), START.date() + timedelta(days=2 * DAYS - 1))


@pytest.fixture
def plan(world: World, clock: FrozenClock) -> list[PlannedChange]:
    """Two periods of thirty days, all of which has happened."""
    made = planned_history(START, DAYS, ["orders", "invoices", "stock"])
    HistoryMaker(world, clock).play(made, before=START - timedelta(days=100))
    clock.now = PERIOD.end
    return made


def answers(plan: Sequence[PlannedChange], period: Period) -> tuple[KnownAnswers, KnownAnswers]:
    """Of a period and the one before."""
    length = timedelta(days=period.days)
    return (
        known_answers(plan, period.start, period.end),
        known_answers(plan, period.start - length, period.start),
    )


def shown(figures: Figures) -> dict[str, object]:
    return {
        "released": figures.released,
        "per week": round(figures.per_week, 6),
        "failed": figures.failed,
        "glass": figures.glass_broken,
        "lead": (figures.lead.median, figures.lead.p90, figures.lead.total),
        "restore": (figures.restore.median, figures.restore.p90, figures.restore.total),
        "unrestored": figures.unrestored,
    }


def expected(known: KnownAnswers, days: int) -> dict[str, object]:
    return {
        "released": known.released,
        "per week": round(known.released / days * 7, 6),
        "failed": known.failed,
        "glass": known.glass_broken,
        "lead": (ranked(known.leads, 50), ranked(known.leads, 90), len(known.leads)),
        "restore": (ranked(known.restores, 50), ranked(known.restores, 90), len(known.restores)),
        "unrestored": known.unrestored,
    }


def ask(world: World, period: Period) -> InsightDetail:
    return get_insights(world.ctx, actor=ADMIN, question=InsightQuestion(period))


@pytest.mark.req("R78")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_the_figures_of_a_period_and_of_the_one_before_are_those_of_the_plan(
    world: World, plan: list[PlannedChange]
) -> None:
    now, before = answers(plan, PERIOD)

    found = ask(world, PERIOD)
    (step,) = found.steps
    (person,) = found.people

    assert shown(found.now) == expected(now, DAYS)
    assert shown(found.before) == expected(before, DAYS)
    assert (step.flow, step.step, person.name) == ("default", "Release approval", "reviewer")
    for waits, known in ((step.now, now), (person.now, now), (step.before, before), (person.before, before)):
        assert waits.total == len(known.waits)
        assert (waits.median, waits.p90) == (ranked(known.waits, 50), ranked(known.waits, 90))
    # The plan tells the figures apart.
    assert now.failed >= 3
    assert now.restores != before.restores
    assert now.glass_broken >= 1
    assert now.unrestored == 1


@pytest.mark.req("R78")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_the_points_of_a_chart_add_up_to_its_period_in_days_weeks_months_and_quarters(
    world: World, plan: list[PlannedChange]
) -> None:
    for days, size in ((7, "day"), (45, "week"), (200, "month"), (1200, "quarter")):
        period = Period(PERIOD.last - timedelta(days=days - 1), PERIOD.last)
        known, _ = answers(plan, period)
        # With 200 days, the first versions of the three DAGs count as well: one release.
        first = 1 if days >= 200 else 0

        points = [figures for _, figures in ask(world, period).trend]

        lead = Distribution.together(figures.lead for figures in points)
        restore = Distribution.together(figures.restore for figures in points)
        assert period.bucket_size == size
        assert sum(figures.released for figures in points) == known.released + first
        assert sum(figures.failed for figures in points) == known.failed
        assert sum(figures.days for figures in points) == days
        assert lead.total == len(known.leads) + 3 * first
        assert restore.median == ranked(known.restores, 50)


@pytest.mark.req("R78")
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_sums_of_months_answer_what_the_rows_answer(world: World, plan: list[PlannedChange]) -> None:
    for days in (45, 200, 365, 1200):  # one after the other: playing the history takes far longer
        period = Period(PERIOD.last - timedelta(days=days - 1), PERIOD.last)
        known, _ = answers(plan, period)

        summed = ask(world, period)
        # Who may see some units only, and be it all, is answered from rows.
        counted = get_insights(world.ctx, actor=DEV, question=InsightQuestion(period))
        narrowed = get_insights(world.ctx, actor=ADMIN, question=InsightQuestion(period, flow="default"))

        assert plain(summed) == plain(counted)
        assert narrowed.steps == summed.steps
        median = ranked(known.waits, 50)
        assert median is not None
        assert summed.people[0].now.median == pytest.approx(median, rel=1 / 64, abs=60)
        # With 200 days, the first versions of the three DAGs count as well: one release.
        assert summed.people[0].now.total == len(known.waits) + (days >= 200)


def plain(found: InsightDetail) -> tuple[object, ...]:
    return (found.now, found.before, found.trend, found.breakdown, found.steps, found.people, found.choices)


@pytest.mark.req("R78")
def test_what_months_were_summed_up_to_is_what_their_rows_say(
    world: World, plan: list[PlannedChange]
) -> None:
    rows = world.ctx.session.execute(
        select(DeployedVersion.month, Deployment.flow, DeployedVersion.lead_class).join(Deployment)
    )
    expected: dict[tuple[object, ...], bytes] = defaultdict(bytes)
    for month, flow, number in rows:
        key = (DurationKind.LEAD, month, flow, "")
        expected[key] = with_one(expected[key], number)
    for wait in world.ctx.session.scalars(select(Wait)):
        month = month_number(day_of(wait.day))
        keys = [(DurationKind.PERSON, month, wait.flow, wait.person_id)]
        keys += [(DurationKind.STEP, month, wait.flow, wait.step_name)] if wait.completes else []
        for key in keys:
            expected[key] = with_one(expected[key], wait.duration_class)

    sums = world.ctx.session.scalars(select(DurationCount))

    assert {(row.kind, row.month, row.flow, row.name): row.counts for row in sums} == expected
    assert len({kind for kind, *_ in expected}) == 3
