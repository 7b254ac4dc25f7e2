"""Entry page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, url_for

from airflow_release_plugin.views.web.base import Page, route

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class IndexView(Page):
    """Leads to the to-be-released list, or to the releases where there is no source."""

    route_base = ""
    default_view = "index"

    @route("/")
    def index(self) -> Response:
        """Redirect to the first tab of this installation."""
        first = "ToBeReleasedView.list" if self.ctx().settings.has_source else "ReleaseView.list"
        return redirect(url_for(first))
