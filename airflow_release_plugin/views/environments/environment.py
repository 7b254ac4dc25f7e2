"""Where the environment stands: branch, served trees, what drifted; and adopting what it runs today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.drift.drift import DriftReport
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.read_models import environment_page
from airflow_release_plugin.views.web.base import BasePage, route, text_arg

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class EnvironmentPage(BasePage):
    """Everybody may look; the buttons are for release admins."""

    route_base = "/environment"
    tab = "environment"

    @route("/")
    def show(self) -> str | tuple[str, int]:
        """Show where the environment stands, and what adopting a bundle would take if one is named."""
        page = environment_page.get_environment(self.ctx(), actor=self.actor(), bundle=text_arg("bundle"))
        shown = self.render(
            "environments/detail.html",
            status=page.status,
            is_admin=page.is_admin,
            choices=[(name, name) for name in page.bundles],
            may_adopt=page.may_adopt,
            preview=page.preview,
            problem=page.problem,
            unsent=page.unsent,
            mirror=page.mirror,
        )
        return (shown, page.problem.status) if page.problem else shown

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
            text = ngettext(
                "%(num)s difference on %(host)s.", "%(num)s differences on %(host)s.", count, host=found.host
            )
            flash(text, "warning")
        else:
            flash(_("Everything is as it was approved, seen from %(host)s.", host=found.host), "success")
