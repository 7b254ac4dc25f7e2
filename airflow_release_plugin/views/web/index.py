"""Entry page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, url_for

from airflow_release_plugin.views.web.base import BasePage, route

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class IndexPage(BasePage):
    """Leads to the to-be-released list, or to the releases where there is no source."""

    route_base = ""
    default_view = "index"

    @route("/")
    def index(self) -> Response:
        """Redirect to the first tab of this installation."""
        first = "ToBeReleasedPage.list" if self.ctx().settings.has_source else "ReleasesPage.list"
        return redirect(url_for(first))
