"""The Releases tab on a Dag's page in Airflow."""

from __future__ import annotations

from airflow_release_plugin.services import environments
from airflow_release_plugin.views.base import Page, route


class DagTabView(Page):
    """Every version of one DAG, in the source's copy and in the target alike."""

    route_base = "/dags"
    tab = "dag"

    @route("/<path:dag_id>")
    def show(self, dag_id: str) -> str:
        """Show the history."""
        versions = environments.dag_history(self.ctx(), actor=self.actor(), dag_id=dag_id)
        return self.render(
            "release/dag_tab.html",
            dag_id=self.ctx().settings.target_id(dag_id),
            versions=versions,
            settings=self.ctx().settings,
        )
