"""Insights as the API answers them."""

from __future__ import annotations

from airflow_release_plugin.schemas.insights import (
    BreakdownResponse,
    FiguresResponse,
    InsightsResponse,
    PeriodResponse,
    PersonWaitResponse,
    StepWaitResponse,
    TrendPointResponse,
)
from airflow_release_plugin.services.insights.insights import InsightDetail


def insights_response(found: InsightDetail) -> InsightsResponse:
    """The figures with the periods that they are of."""
    period = found.question.period
    return InsightsResponse(
        period=PeriodResponse.model_validate(period),
        period_before=PeriodResponse.model_validate(period.before),
        bucket=period.bucket_size,
        now=FiguresResponse.model_validate(found.now),
        before=FiguresResponse.model_validate(found.before),
        trend=[TrendPointResponse.model_validate(point) for point in found.trend],
        by=found.question.by,
        breakdown=[BreakdownResponse.model_validate(row) for row in found.breakdown],
        steps=[StepWaitResponse.model_validate(row) for row in found.steps],
        people=[PersonWaitResponse.model_validate(row) for row in found.people],
        waiting=found.waiting,
        waiting_since=found.waiting_since,
    )
