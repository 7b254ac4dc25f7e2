"""Insights: how often, how fast, how well, and where people are waited for."""

from __future__ import annotations

from datetime import date

from flask import Response, current_app, request

from airflow_release_plugin.domain.insights.period import DEFAULT_DAYS, OFFERED_DAYS, asked_period
from airflow_release_plugin.domain.insights.question import Breakdown, InsightQuestion
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.insights import insights
from airflow_release_plugin.views.insights.cards import chart_cards, figure_cards
from airflow_release_plugin.views.insights.tables import TABLES, table_lines
from airflow_release_plugin.views.web.base import BasePage, choice_arg, route, text_arg
from airflow_release_plugin.views.widgets.durations import duration


class InsightsPage(BasePage):
    """The figures of a period."""

    route_base = "/insights"
    tab = "insights"

    @route("/")
    def show(self) -> str:
        """Show the figures, charts and tables."""
        question = _question(self.ctx().clock().date())
        found = insights.get_insights(self.ctx(), actor=self.actor(), question=question)
        return self.render(
            "insights/insights.html",
            found=found,
            question=question,
            cards=figure_cards(found),
            charts=chart_cards(found),
            offered=OFFERED_DAYS,
            chosen=_chosen_days(),
            breakdowns=tuple(Breakdown),
            duration=duration,
        )

    @route("/insights.csv")
    def download(self) -> Response:
        """Send one of the tables as CSV."""
        name = text_arg("table") or "trend"
        if name not in TABLES:
            raise InvalidRequestError(
                "There is no table %(name)r; possible are %(tables)s.", name=name, tables=list(TABLES)
            )
        question = _question(self.ctx().clock().date())
        found = insights.get_insights(self.ctx(), actor=self.actor(), question=question)
        return current_app.response_class(
            "".join(table_lines(name, found)),
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename=insights-{name}.csv"},
        )


def _chosen_days() -> int | None:
    """Length of the period that ends today; ``None`` where days were chosen."""
    if text_arg("from") or text_arg("to"):
        return None
    return request.args.get("days", DEFAULT_DAYS, type=int)


def _question(today: date) -> InsightQuestion:
    """What the address asks for."""
    return InsightQuestion(
        asked_period(_chosen_days(), _day("from"), _day("to"), today),
        dag_id=text_arg("dag_id"),
        tag=text_arg("tag"),
        owner=text_arg("owner"),
        flow=text_arg("flow"),
        by=choice_arg("by", Breakdown) or Breakdown.DAG,
    )


def _day(name: str) -> date | None:
    text = text_arg(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidRequestError("%(text)r is no day; write it as 2026-03-31.", text=text) from error
