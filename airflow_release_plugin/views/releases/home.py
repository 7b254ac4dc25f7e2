"""Home: the first page of the section."""

from __future__ import annotations

from airflow_release_plugin.services.read_models import home
from airflow_release_plugin.views.web.base import BasePage, route


class HomePage(BasePage):
    """What the navigation entry opens."""

    route_base = ""
    default_view = "show"
    tab = "home"

    @route("/")
    def show(self) -> str:
        """Show what waits for the user, what moves, what went out, and what stopped."""
        page = home.get_home(self.ctx(), actor=self.actor())
        return self.render("releases/home.html", waiting=len(page.inbox), page=page, most=home.MOST)
