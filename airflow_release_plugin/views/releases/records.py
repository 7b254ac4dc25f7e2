"""The records: every version of every DAG, and the history of one."""

from __future__ import annotations

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.domain.release.records import VersionPlace
from airflow_release_plugin.services.promotion import records
from airflow_release_plugin.services.promotion.records import ORDER_COLUMNS
from airflow_release_plugin.services.read_models import dag_history
from airflow_release_plugin.views.web.base import (
    PAGE_SIZE,
    BasePage,
    choice_arg,
    offset_arg,
    order_arg,
    route,
    text_arg,
)
from airflow_release_plugin.views.widgets.presentation import state_look


class RecordsPage(BasePage):
    """What was submitted, decided and released, and where it is now."""

    route_base = "/records"
    tab = "records"

    @route("/")
    def list(self) -> str:
        """Show a page of the records."""
        page = records.list_records(
            self.ctx(),
            actor=self.actor(),
            search=text_arg("search"),
            submitter=text_arg("submitter"),
            place=choice_arg("place", VersionPlace),
            order_by=order_arg(ORDER_COLUMNS, "-submitted_at"),
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        return self.render(
            "releases/records.html",
            lists=ListPage.RECORDS,
            page=page,
            filtered=any(text_arg(name) for name in ("search", "submitter", "place")),
            places=[(place.value, state_look(place)["label"]) for place in VersionPlace],
        )

    @route("/dags/<path:dag_id>")
    def dag(self, dag_id: str) -> str:
        """Show the history of one DAG."""
        page = dag_history.get_history(
            self.ctx(), actor=self.actor(), dag_id=dag_id, limit=PAGE_SIZE, offset=offset_arg()
        )
        return self.render(
            "releases/history.html",
            history=page.history,
            events=page.events,
            archived=page.archived,
            settings=self.ctx().settings,
        )
