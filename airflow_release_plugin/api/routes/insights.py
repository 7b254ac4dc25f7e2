"""How well releasing goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from airflow_release_plugin.api.dependencies import CallerDep
from airflow_release_plugin.api.serializers.insights import insights_response
from airflow_release_plugin.domain.insights.period import DEFAULT_DAYS, MOST_DAYS, asked_period
from airflow_release_plugin.domain.insights.question import Breakdown, InsightQuestion
from airflow_release_plugin.schemas.insights import InsightsResponse
from airflow_release_plugin.services.insights import insights

router = APIRouter(prefix="/insights", tags=["Insights"])


def _question(
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = DEFAULT_DAYS,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    dag_id: str = "",
    tag: str = "",
    owner: str = "",
    flow: str = "",
    by: Breakdown = Breakdown.DAG,
) -> Callable[[date], InsightQuestion]:
    """What is asked, once it is known which day it is."""
    return lambda today: InsightQuestion(
        asked_period(days, first, last, today), dag_id=dag_id, tag=tag, owner=owner, flow=flow, by=by
    )


@router.get("")
def get_insights(
    caller: CallerDep, question: Annotated[Callable[[date], InsightQuestion], Depends(_question)]
) -> InsightsResponse:
    """
    Release frequency, lead time, change failure rate, time to restore, and where people are waited for.

    Of the last ``days``, or ``from`` a day ``to`` another (in UTC, both included, ten years at most),
    compared with the period before. ``dag_id``, ``tag``, ``owner`` and ``flow`` narrow it; ``by`` says what
    the versions are told apart by.
    """
    with caller.transaction() as (ctx, actor):
        asked = question(ctx.clock().date())
        return insights_response(insights.get_insights(ctx, actor=actor, question=asked))
