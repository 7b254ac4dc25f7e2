"""One version or release against another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.read_models import compare
from airflow_release_plugin.views.web.base import (
    BasePage,
    offset_arg,
    posted_ids,
    route,
    text_arg,
    whole_number,
)
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.diff_rows import diff_options

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ComparePage(BasePage):
    """Comparisons that belong to no single version."""

    route_base = "/compare"
    tab = "releases"

    @route("/versions")
    def versions(self) -> Response:
        """Lead to the newer one of two chosen versions, compared with the older one, or back to choose."""
        ids = posted_ids("versions", request.args.getlist("versions"))
        if len(set(ids)) != 2:
            return self._back_to_choose(ids)
        older, newer = compare.get_in_order(self.ctx(), actor=self.actor(), submission_ids=ids)
        return redirect(
            url_for(
                "ToBeReleasedPage.submission", submission_id=newer.id, against=older.id, _anchor="changes"
            )
        )

    def _back_to_choose(self, ids: Sequence[int]) -> Response:
        """Say what is missing on the page of the choice, which stays as it was."""
        dag_id = text_arg("dag_id")
        if not dag_id:
            raise InvalidRequestError("Choose exactly two versions to compare, in the history of a Dag.")
        flash(
            counted(
                "A comparison takes two versions; %(num)s is ticked.",
                "A comparison takes two versions; %(num)s are ticked.",
                len(ids),
            ),
            "warning",
        )
        page = "DagTabPage.show" if text_arg("tab") == "dag" else "RecordsPage.dag"
        return redirect(url_for(page, dag_id=dag_id, versions=ids, offset=offset_arg() or None))

    @route("/releases/<int:release_id>")
    def releases(self, release_id: int) -> str:
        """Show what a release brings that another one did not."""
        other_id = request.args.get("other", 0, type=whole_number)
        page = compare.get_comparison_page(
            self.ctx(),
            actor=self.actor(),
            release_id=release_id,
            other_id=other_id or None,
            options=diff_options(),
        )
        return self.render(
            "releases/compare.html",
            release=page.release,
            other_id=other_id,
            compared=page.compared,
            offered=page.offered,
        )
