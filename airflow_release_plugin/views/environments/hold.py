"""Stopping releases to the environment, and letting them go on; for release admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models.release import release_id_of
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.views.web.base import BasePage, posted_text, route
from airflow_release_plugin.views.web.datetime_input import read_moment
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class HoldPage(BasePage):
    """The two deeds; what holds is shown on every page."""

    route_base = "/environment/hold"
    tab = "environment"

    @route("/set", "POST")
    def set(self) -> Response:
        """Hold, or change what holds."""
        ends_at = request.form.get("ends_at", "").strip()
        target = self.ctx().settings.environment
        holds.set_hold(
            self.ctx(),
            actor=self.actor(),
            environment=target,
            reason=posted_text("reason"),
            ends_at=read_moment(ends_at, request.form.get("zone", "UTC")) if ends_at else None,
            excepted=_numbers(request.form.get("excepted", "")),
        )
        flash(_("Releases to %(target)s are held.", target=target), "success")
        return redirect(url_for("EnvironmentPage.show"))

    @route("/lift", "POST")
    def lift(self) -> Response:
        """Let releases go on."""
        target = self.ctx().settings.environment
        holds.lift(self.ctx(), actor=self.actor(), environment=target)
        flash(_("The hold is lifted: releases to %(target)s go on.", target=target), "success")
        return redirect(url_for("EnvironmentPage.show"))


def _numbers(text: str) -> list[int]:
    """Ids of the releases that somebody typed. Raises ``InvalidRequestError``."""
    names = text.replace(",", " ").split()
    ids = [release_id_of(name) for name in names]
    for name, found in zip(names, ids, strict=True):
        if found is None:
            raise InvalidRequestError(_("%(name)r is no number of a release; write R-000012.", name=name))
    return [found for found in ids if found is not None]
