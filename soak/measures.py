"""What is measured at the end of each quarter: rows and bytes of tables, statements and time of pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from airflow_release_plugin.domain.insights.period import last_days
from airflow_release_plugin.domain.insights.question import InsightQuestion
from airflow_release_plugin.models import metadata
from airflow_release_plugin.services.insights import insights
from airflow_release_plugin.services.promotion import records
from airflow_release_plugin.services.read_models import (
    dag_history,
    environment_page,
    home,
    inbox,
    quick_search,
    release_page,
    to_be_released,
)
from airflow_release_plugin.services.read_models.release_page import PageLook, ReleaseTab
from airflow_release_plugin.services.read_models.to_be_released import ListRequest
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.submissions.candidates import CandidateFilter
from tests.harness.context import ADMIN, DEV, REVIEWER, World
from tests.harness.databases import counted

if TYPE_CHECKING:
    from soak.years import Years

_LOOKS = 7
_LISTED = ListRequest("", False, CandidateFilter(), "", 50, 0)
PAGES: dict[str, Callable[[World, int], object]] = {
    "home": lambda w, _: home.get_home(w.ctx, actor=DEV),
    "to be released": lambda w, _: to_be_released.get_list(w.ctx, actor=DEV, asked=_LISTED),
    "releases": lambda w, _: releases.list_releases(w.ctx, actor=DEV, limit=50),
    "release": lambda w, number: release_page.get_release_page(w.ctx, actor=DEV, release_id=number),
    "activity of a release": lambda w, number: release_page.get_release_page(
        w.ctx, actor=DEV, release_id=number, look=PageLook(ReleaseTab.ACTIVITY)
    ),
    "records": lambda w, _: records.list_records(w.ctx, actor=DEV, limit=50),
    "history of a DAG": lambda w, _: dag_history.get_history(w.ctx, actor=DEV, dag_id="team_000"),
    "my approvals": lambda w, _: inbox.get_inbox_page(w.ctx, actor=REVIEWER),
    "environment": lambda w, _: environment_page.get_environment(w.ctx, actor=DEV),
    "insights of a month": lambda w, _: insights.get_insights(
        w.ctx, actor=DEV, question=InsightQuestion(last_days(30, w.ctx.clock().date()))
    ),
    "search": lambda w, _: quick_search.find(w.ctx, actor=DEV, text="team_007"),
    "audit trail": lambda w, _: audit.list_events(w.ctx, actor=ADMIN, limit=100),
    "verify the audit trail": lambda w, _: audit.first_broken_link(w.ctx),
}


@dataclass(frozen=True)
class PageCost:
    """
    What a page takes.

    :param seconds: of this process and, on PostgreSQL, of waiting for the server: the least of some looks
    """

    statements: int
    seconds: float


@dataclass(frozen=True)
class Measured:
    """
    How large things are after some weeks.

    :param rows: by table
    :param sizes: bytes by table, with its indexes; of PostgreSQL after a ``VACUUM``
    """

    week: int
    rows: dict[str, int]
    sizes: dict[str, int]
    pages: dict[str, PageCost]


def measure(years: Years, engine: Engine) -> Measured:
    """Measure an installation as it is."""
    names = sorted(metadata.tables)
    sizes = _sizes(engine, names)
    with engine.connect() as connection:
        rows = {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}  # noqa: S608 (our own names)
    return Measured(
        years.number, rows, sizes, {name: _cost(years, engine, look) for name, look in PAGES.items()}
    )


def _sizes(engine: Engine, names: list[str]) -> dict[str, int]:
    if engine.dialect.name == "sqlite":
        query = (
            "SELECT sum(pgsize) FROM dbstat WHERE name IN "
            "(SELECT name FROM sqlite_master WHERE tbl_name = :name)"
        )
    else:
        query = "SELECT pg_total_relation_size(:name)"
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in names:
                connection.execute(text(f"VACUUM ANALYZE {name}"))
    with engine.connect() as connection:
        return {name: connection.scalar(text(query), {"name": name}) or 0 for name in names}


def _cost(years: Years, engine: Engine, look: Callable[[World, int], object]) -> PageCost:
    statements, seconds = 0, float("inf")
    for _ in range(_LOOKS):
        with years.open() as world, counted(engine) as sent:
            number = years.newest_release(world)
            already, began = len(sent), _clock(engine)
            look(world, number)
            seconds = min(seconds, _clock(engine) - began)
            statements = len(sent) - already
    return PageCost(statements, seconds)


def _clock(engine: Engine) -> float:
    return time.process_time() if engine.dialect.name == "sqlite" else time.perf_counter()
