"""The figures of a period."""

from __future__ import annotations

from datetime import date, datetime

from airflow_release_plugin.domain.insights.period import BucketSize
from airflow_release_plugin.domain.insights.question import Breakdown
from airflow_release_plugin.schemas.common import ResponseModel


class PeriodResponse(ResponseModel):
    """Days in UTC; ``last`` belongs to it."""

    first: date
    last: date


class DurationsResponse(ResponseModel):
    """
    Of ``total`` durations, half are at most ``median``, nine of ten at most ``p90``; null for none.

    Seconds, in whole minutes below a day and in whole hours from there on.
    """

    total: int
    median: int | None
    p90: int | None


class FiguresResponse(ResponseModel):
    """
    The figures of a period, or of one bucket of it.

    ``failure_rate`` is the part of ``released`` that failed, 0 to 1; null where nothing was released.
    ``unrestored`` is what began to fail and is not put right yet.
    """

    days: int
    released: int
    per_day: float
    per_week: float
    failed: int
    failure_rate: float | None
    glass_broken: int
    lead: DurationsResponse
    restore: DurationsResponse
    unrestored: int


class TrendPointResponse(ResponseModel):
    """One bucket; ``first`` is its first day, which may be before the period."""

    first: date
    figures: FiguresResponse


class BreakdownResponse(ResponseModel):
    """Versions under one name; it is empty for a flow where nobody had to approve."""

    name: str
    versions: int
    failed: int
    failure_rate: float
    lead: DurationsResponse


class StepWaitResponse(ResponseModel):
    """How long a step of a flow took, in the period and in the one before."""

    flow: str
    step: str
    now: DurationsResponse
    before: DurationsResponse


class PersonWaitResponse(ResponseModel):
    """
    How long requests had waited when somebody decided, in the period and in the one before.

    ``asked`` counts requests that were put to them, still wait, and are not answered by them.
    """

    id: str
    name: str
    now: DurationsResponse
    before: DurationsResponse
    asked: int
    asked_since: datetime | None


class InsightsResponse(ResponseModel):
    """
    The figures of ``period`` and of ``period_before``, which is as long, over what the caller may read.

    ``waiting`` counts releases that wait for agreement now.
    """

    period: PeriodResponse
    period_before: PeriodResponse
    bucket: BucketSize
    now: FiguresResponse
    before: FiguresResponse
    trend: list[TrendPointResponse]
    by: Breakdown
    breakdown: list[BreakdownResponse]
    steps: list[StepWaitResponse]
    people: list[PersonWaitResponse]
    waiting: int
    waiting_since: datetime | None
