"""Where the environment stands: branch, served trees, what drifted; and adopting what it runs today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import current_app, redirect, request, url_for

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.domain.release.target_dags import (
    EVERY_TARGET_DAG,
    ServingState,
    TargetDagFilter,
)
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift.drift import DriftReport
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.promotion import target_dags
from airflow_release_plugin.services.read_models import environment_page
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.views.web.base import (
    BasePage,
    choice_arg,
    offset_arg,
    order_arg,
    route,
    size_arg,
    text_arg,
)
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.web.security import airflow_user
from airflow_release_plugin.views.widgets.csv_export import target_dag_lines
from airflow_release_plugin.views.widgets.presentation import state_look

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


DAGS_ON_A_PAGE = 25
"""The rest of the page is below them."""


class EnvironmentPage(BasePage):
    """Everybody may look; the buttons are for release admins."""

    route_base = "/environment"
    tab = "environment"

    @route("/")
    def show(self) -> str | tuple[str, int]:
        """Show where the environment stands, and what adopting a bundle would take if one is named."""
        size = size_arg(DAGS_ON_A_PAGE)
        page = environment_page.get_environment(
            self.ctx(),
            actor=self.actor(),
            bundle=text_arg("bundle"),
            criteria=_criteria(),
            order_by=_order(),
            limit=size,
            offset=offset_arg(),
        )
        shown = self.render(
            "environments/detail.html",
            lists=ListPage.ENVIRONMENT,
            status=page.status,
            lanes=page.lanes,
            dags=page.dags,
            limit=size,
            usual_size=DAGS_ON_A_PAGE,
            filtered=_criteria() != EVERY_TARGET_DAG,
            states=[(state.value, state_look(state)["label"]) for state in ServingState],
            is_admin=page.is_admin,
            choices=[(name, name) for name in page.bundles],
            may_adopt=page.may_adopt,
            preview=page.preview,
            problem=page.problem,
            unsent=page.unsent,
            mirror=page.mirror,
        )
        return (shown, page.problem.status) if page.problem else shown

    @route("/dags.csv")
    def download(self) -> Response:
        """Send the list of its DAGs as CSV, row by row."""
        return current_app.response_class(
            _csv(airflow_user(), _criteria(), _order()),
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={self.ctx().settings.environment}.csv"},
        )

    @route("/verify", "POST")
    def verify(self) -> Response:
        """Compare now."""
        name = self.ctx().settings.environment
        self._tell(drift.verify(self.ctx(), actor=self.actor(), name=name))
        return redirect(url_for("EnvironmentPage.show"))

    @route("/repair", "POST")
    def repair(self) -> Response:
        """Put back what can be put back."""
        name = self.ctx().settings.environment
        self._tell(drift.repair(self.ctx(), actor=self.actor(), name=name))
        return redirect(url_for("EnvironmentPage.show"))

    @route("/forget", "POST")
    def forget(self) -> Response:
        """Drop what a machine found that is gone."""
        host = request.form.get("host", "")
        drift.forget(self.ctx(), actor=self.actor(), name=self.ctx().settings.environment, host=host)
        flash(_("%(host)s is forgotten.", host=host), "success")
        return redirect(url_for("EnvironmentPage.show"))

    @route("/mirror/overwrite", "POST")
    def overwrite_mirror(self) -> Response:
        """Give up what somebody else moved in the mirror."""
        standing.overwrite(self.ctx(), actor=self.actor(), name=self.ctx().settings.environment)
        flash(_("The mirror is overwritten within seconds, unless somebody moves it again."), "success")
        return redirect(url_for("EnvironmentPage.show"))

    @route("/adopt", "POST")
    def adopt(self) -> Response:
        """Make what a bundle holds the first commit."""
        bundle = request.form.get("bundle", "")
        release = adoption.adopt(self.ctx(), actor=self.actor(), folder=bundle)
        flash(
            _(
                "%(bundle)s is adopted as %(number)s. Now change dag_bundle_config_list and restart Airflow.",
                bundle=bundle,
                number=release.number,
            ),
            "success",
        )
        return redirect(url_for("EnvironmentPage.show"))

    def _tell(self, found: DriftReport) -> None:
        count = len(found.findings)
        if count:
            text = counted(
                "%(num)s difference on %(host)s.", "%(num)s differences on %(host)s.", count, host=found.host
            )
            flash(text, "warning")
        else:
            flash(_("Everything is as it was approved, seen from %(host)s.", host=found.host), "success")


def _csv(user: Any, criteria: TargetDagFilter, order_by: str) -> Iterator[str]:
    """The list as CSV, in a transaction that lasts as long as the download."""
    with unit_of_work(user) as (ctx, actor):
        found = target_dags.every_target_dag(
            ctx, actor=actor, name=ctx.settings.environment, criteria=criteria, order_by=order_by
        )
        yield from target_dag_lines(found)


def _criteria() -> TargetDagFilter:
    """What the address narrows the list of DAGs to."""
    return TargetDagFilter(
        search=text_arg("search"),
        released_by=text_arg("released_by"),
        state=choice_arg("state", ServingState),
        drifted=text_arg("drifted") == "yes",
    )


def _order() -> str:
    return order_arg(target_dags.ORDER_COLUMNS, "dag_id")
