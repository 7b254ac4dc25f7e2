"""Saving, opening and deleting filters of lists; each leads back to its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.runtime import saved_filters
from airflow_release_plugin.views.web.base import BasePage, choice_arg, route, whole_number
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

ENDPOINTS = {
    ListPage.TO_BE_RELEASED: "ToBeReleasedPage.list",
    ListPage.RELEASES: "ReleasesPage.list",
    ListPage.RECORDS: "RecordsPage.list",
    ListPage.ENVIRONMENT: "EnvironmentPage.show",
    ListPage.INBOX: "ApprovalsPage.list",
}
"""Where each list is."""


class SavedFiltersPage(BasePage):
    """No page of its own: the forms stand beside the filters of each list."""

    route_base = "/filters"

    @route("/open")
    def open(self) -> Response:
        """Lead to a list with the chosen filter; without a choice, to the list."""
        chosen = request.args.get("id", type=whole_number)
        if chosen is None:
            return _list(choice_arg("page", ListPage) or ListPage.RELEASES)
        found = saved_filters.get(self.ctx(), actor=self.actor(), filter_id=chosen)
        return _list(found.page, found.query)

    @route("/save", "POST")
    def save(self) -> Response:
        """Keep the filter that the list has now."""
        try:
            page = ListPage(request.form.get("page", ""))
        except ValueError as error:
            raise InvalidRequestError(_("The form names no list. Reload the page and try again.")) from error
        saved = saved_filters.save(
            self.ctx(),
            actor=self.actor(),
            page=page,
            name=request.form.get("name", ""),
            query=request.form.get("query", ""),
        )
        flash(_("The filter %(name)s was saved.", name=saved.name), "success")
        return _list(saved.page, saved.query)

    @route("/<int:filter_id>/delete", "POST")
    def delete(self, filter_id: int) -> Response:
        """Forget a filter; the list stays as it is."""
        gone = saved_filters.delete(self.ctx(), actor=self.actor(), filter_id=filter_id)
        flash(_("The filter %(name)s was deleted.", name=gone.name), "success")
        return _list(gone.page, gone.query)


def _list(page: ListPage, query: str = "") -> Response:
    address = url_for(ENDPOINTS[page])
    return redirect(f"{address}?{query}" if query else address)
