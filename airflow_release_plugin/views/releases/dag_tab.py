"""The Releases tab on a DAG's page in Airflow."""

from __future__ import annotations

from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.promotion import records
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, route


class DagTabPage(BasePage):
    """Every version of one DAG, in the source's copy and in the target alike."""

    route_base = "/dags"
    tab = "dag"

    @route("/<path:dag_id>")
    def show(self, dag_id: str) -> str:
        """Show the history."""
        history = records.history(
            self.ctx(), actor=self.actor(), dag_id=dag_id, limit=PAGE_SIZE, offset=offset_arg()
        )
        target_id = self.ctx().settings.target_id(dag_id)
        opened = gates.list_gates(self.ctx(), actor=self.actor(), dag_id=target_id, limit=20).items
        now = self.ctx().clock()
        return self.render(
            "releases/dag_tab.html",
            gates=[(gate, gate.effective_state(now)) for gate in opened],
            dag_id=self.ctx().settings.target_id(dag_id),
            history=history,
            settings=self.ctx().settings,
        )
