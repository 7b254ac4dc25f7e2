"""Transfers: DAGs on their way to other installations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, request, url_for

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest, read_names
from airflow_release_plugin.domain.states import MOVING_EXPORT_STATES
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.models import Export
from airflow_release_plugin.models.release import release_id_of, release_number
from airflow_release_plugin.services.exports import exports
from airflow_release_plugin.services.read_models import exports_page
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, route, whole_number
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ExportsPage(BasePage):
    """Choose DAGs, see what that comes to, have a bundle made, fetch it."""

    route_base = "/transfers"
    tab = "transfers"

    @route("/")
    def list(self) -> str:
        """Show the form as it was last sent, with what became of that, and all exports."""
        return self._page()

    @route("/match", "POST")
    def match(self) -> str:
        """Say what the form comes to; a part of the page."""
        try:
            found, problem = (
                exports.match(self.ctx(), actor=self.actor(), export_request=_posted_export_request()),
                "",
            )
        except ReleaseError as error:
            found, problem = None, error.message
        return render_template("transfers/_export_match.html", match=found, problem=problem)

    @route("/exports", "POST")
    def generate(self) -> Response | tuple[str, int]:
        """Ask for a bundle."""
        try:
            made = exports.request(self.ctx(), actor=self.actor(), export_request=_posted_export_request())
        except ReleaseError as error:
            return self._page(problem=error.message), error.status
        return redirect(url_for("ExportsPage.list", export=made.id))

    @route("/exports/<int:export_id>/discard", "POST")
    def discard(self, export_id: int) -> Response:
        """Stop making a bundle, or give up its file."""
        gone = exports.discard(self.ctx(), actor=self.actor(), export_id=export_id)
        flash(_("Export %(number)s was discarded.", number=gone.id), "success")
        return redirect(url_for("ExportsPage.list"))

    @route("/exports/<int:export_id>/retry", "POST")
    def retry(self, export_id: int) -> Response:
        """Have a bundle made again that errored."""
        again = exports.retry(self.ctx(), actor=self.actor(), export_id=export_id)
        return redirect(url_for("ExportsPage.list", export=again.id))

    def _page(self, problem: str = "") -> str:
        found = exports_page.get_exports(
            self.ctx(),
            actor=self.actor(),
            chosen=request.args.get("export", type=whole_number),
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        rows, last, now = found.page.items, found.last, self.ctx().clock()
        return self.render(
            "transfers/exports.html",
            exports=rows,
            total=found.page.total_entries,
            has_uncounted=found.page.has_uncounted,
            states={row.id: row.effective_state(now) for row in rows},
            last=None if problem else last,
            last_state=last.effective_state(now) if last else None,
            moving=MOVING_EXPORT_STATES,
            problem=problem,
            obstacle=found.obstacle,
            values=_posted_values() if problem else _values(last),
            bases=[row for row in rows if row.ready_at is not None],
            settings=self.ctx().settings,
        )


def _posted_export_request() -> ExportRequest:
    form = request.form
    return ExportRequest(
        names=read_names([form.get("names", "")]),
        tag=form.get("tag", "").strip(),
        release_ids=_release_ids(form.get("releases", "")),
        base_bundle_id=form.get("base", "").strip(),
        origin=ExportOrigin.SOURCE if form.get("origin") == "source" else ExportOrigin.TARGET,
        with_upstream="upstream" in form,
    )


def _release_ids(text: str) -> tuple[int, ...]:
    found = [release_id_of(word) for word in text.replace(",", " ").split()]
    if None in found:
        raise InvalidRequestError(_("Write numbers of releases, such as R-000012, separated by commas."))
    return tuple(number for number in found if number is not None)


def _posted_values() -> dict[str, str]:
    return {
        name: request.form.get(name, "")
        for name in ("names", "tag", "releases", "base", "origin", "upstream")
    }


def _values(row: Export | None) -> dict[str, str]:
    """The form as it was when ``row`` was asked for."""
    if row is None:
        return {}
    return {
        "names": "\n".join(row.names),
        "tag": row.options["tag"],
        "releases": ", ".join(release_number(number) for number in row.options["release_ids"]),
        "base": row.base_bundle_id or "",
        "origin": row.options["origin"],
        "upstream": "1" if row.options["with_upstream"] else "",
    }
