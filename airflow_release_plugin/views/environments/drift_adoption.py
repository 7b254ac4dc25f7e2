"""Adopting what was changed by hand: exactly which files, and the request for its approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.drift import adoption
from airflow_release_plugin.services.read_models import drift_adoption as adoption_model
from airflow_release_plugin.views.web.base import BasePage, posted_release_request, route
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.diff_rows import diff_options

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class DriftAdoptionPage(BasePage):
    """For release admins; what was changed is read anew for each page."""

    route_base = "/environment/drift"
    tab = "environment"

    @route("/")
    def new(self) -> str:
        """Show what would be taken."""
        return self._plan()

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Ask for it; a refusal shows the plan again with everything that was typed."""
        name = self.ctx().settings.environment
        try:
            made = adoption.adopt(
                self.ctx(),
                actor=self.actor(),
                name=name,
                digest=request.form.get("digest", ""),
                release_request=posted_release_request(),
            )
        except ReleaseError as error:
            self.ctx().session.rollback()
            return self._plan(problem=error.message), error.status
        flash(
            _(
                "%(number)s was created, and %(target)s is repaired. It is being checked now.",
                number=made.number,
                target=name,
            ),
            "success",
        )
        return redirect(url_for("ReleasesPage.show", release_id=made.id))

    def _plan(self, problem: str | None = None) -> str:
        page = adoption_model.get_adoption(
            self.ctx(),
            actor=self.actor(),
            name=self.ctx().settings.environment,
            options=diff_options(),
        )
        return self.render(
            "environments/drift_adoption.html",
            plan=page.plan,
            preview=page.preview,
            changes=page.changes,
            values=request.form.to_dict(flat=False),
            problem=problem,
        )
