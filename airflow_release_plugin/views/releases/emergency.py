"""The review of a broken glass afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, url_for

from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.releases import emergencies
from airflow_release_plugin.views.web.base import BasePage, posted_text, route
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class EmergencyPage(BasePage):
    """What is done on the page of the release."""

    route_base = "/releases"
    tab = "releases"

    @route("/<int:release_id>/emergencies/<int:emergency_id>/review", "POST")
    def review(self, release_id: int, emergency_id: int) -> Response:
        """Say what came out of it."""
        emergencies.review(
            self.ctx(),
            actor=self.actor(),
            release_id=release_id,
            emergency_id=emergency_id,
            comment=posted_text("comment"),
        )
        flash(_("Your review was recorded."), "success")
        return redirect(url_for("ReleasesPage.show", release_id=release_id))
