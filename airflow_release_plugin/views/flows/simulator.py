"""The simulator: which flow would apply to a change, and why the others would not."""

from __future__ import annotations

from flask import request

from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models.release import release_id_of
from airflow_release_plugin.services.read_models import simulator
from airflow_release_plugin.services.read_models.simulator import DagQuestion
from airflow_release_plugin.views.web.base import BasePage, choice_arg, route, text_arg, whole_number
from airflow_release_plugin.views.widgets.flow_labels import OFFERED_KINDS, OUTCOMES
from airflow_release_plugin.views.widgets.flow_summary import change_verbs


class SimulatorPage(BasePage):
    """Tries the flows on a DAG as it is, or on a past release."""

    route_base = "/simulator"
    tab = "flows"

    @route("/")
    def show(self) -> str:
        """Show the form, and what was found for it."""
        release_id = release_id_of(text_arg("release")) if text_arg("release") else None
        is_unknown = bool(text_arg("release")) and release_id is None
        page = simulator.get_simulator(
            self.ctx(),
            actor=self.actor(),
            dag=None if is_unknown else _question(),
            release_id=release_id,
        )
        problem = _("Write the number of a release, such as R-000012.") if is_unknown else page.problem
        return self.render(
            "flows/simulator.html",
            found=page.found,
            problem=problem or None,
            dags=page.dags,
            chosen=_chosen(),
            facts=[(fact.value, words) for fact, words in change_verbs().items()],
            kinds=OFFERED_KINDS,
            outcomes=OUTCOMES,
        )


def _question() -> DagQuestion | None:
    if not text_arg("dag_id"):
        return None
    return DagQuestion(
        text_arg("dag_id"),
        kind=choice_arg("kind", ReleaseKind) or ReleaseKind.PROMOTION,
        changes=_chosen(),
        lines=max(request.args.get("lines", 0, type=whole_number), 0),
        at_least=max(request.args.get("at_least", 1, type=whole_number), 1),
    )


def _chosen() -> list[ChangeFact]:
    values = set(request.args.getlist("changes"))
    return [fact for fact in ChangeFact if fact.value in values] or [ChangeFact.MODIFIED]
