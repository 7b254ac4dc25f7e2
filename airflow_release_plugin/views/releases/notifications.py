"""Notifications that were given up, sent again from the page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from flask_babel import gettext as _

from airflow_release_plugin.services.drift import alarms
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.views.web.base import BasePage, route

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class NotificationsPage(BasePage):
    """What notifiers could not tell."""

    route_base = "/notifications"

    @route("/<int:notification_id>/retry", "POST")
    def retry(self, notification_id: int) -> Response:
        """Send one again, and show what it is about."""
        row = outbox.try_again(self.ctx(), actor=self.actor(), notification_id=notification_id)
        flash(_("The notification is sent again within seconds."), "success")
        if row.subject_type == "gate":
            return redirect(url_for("ApprovalsPage.gate", gate_id=row.subject_id))
        if row.subject_type == alarms.SUBJECT:
            return redirect(url_for("EnvironmentPage.show"))
        return redirect(url_for("ReleasesPage.show", release_id=row.subject_id))
