"""The Releases tab on a DAG's page in Airflow."""

from __future__ import annotations

from airflow_release_plugin.services.read_models import dag_history
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, route


class DagTabPage(BasePage):
    """Every version of one DAG, in the source's copy and in the target alike."""

    route_base = "/dags"
    tab = "dag"

    @route("/<path:dag_id>")
    def show(self, dag_id: str) -> str:
        """Show the history."""
        page = dag_history.get_dag_tab(
            self.ctx(), actor=self.actor(), dag_id=dag_id, limit=PAGE_SIZE, offset=offset_arg()
        )
        return self.render(
            "releases/dag_tab.html",
            gates=page.gates,
            dag_id=page.history.dag_id,
            history=page.history,
            settings=self.ctx().settings,
        )
