"""The to-be-released list, what a row would bring, submitting and removing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.services import access, candidates, compare, submissions
from airflow_release_plugin.services.candidates import CandidateFilter
from airflow_release_plugin.views.base import (
    PAGE_SIZE,
    Page,
    choice_arg,
    offset_arg,
    order_arg,
    route,
    text_arg,
)
from airflow_release_plugin.views.diff_rows import diff_options

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ToBeReleasedView(Page):
    """One row for each DAG file that differs from the target or waits to be released."""

    route_base = "/to-be-released"
    tab = "to_be_released"

    @route("/")
    def list(self) -> str:
        """Show a page of the list."""
        wanted = CandidateFilter(
            search=text_arg("search"),
            change=choice_arg("change", ChangeKind),
            submitter=text_arg("submitter"),
            tag=text_arg("tag"),
            submitted={"yes": True, "no": False}.get(text_arg("submitted")),
        )
        page = candidates.list_candidates(
            self.ctx(),
            actor=self.actor(),
            wanted=wanted,
            order_by=order_arg(candidates.ORDER_COLUMNS, ""),
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        return self.render(
            "release/to_be_released.html",
            candidates=page.items,
            total=page.total_entries,
            filtered=wanted != CandidateFilter(),
            settings=self.ctx().settings,
        )

    @route("/submissions/<int:submission_id>")
    def submission(self, submission_id: int) -> str:
        """Show a submitted version: its files, and what differs from another version or the target."""
        found = submissions.get(self.ctx(), actor=self.actor(), submission_id=submission_id)
        compared = None
        if access.may_read_code(self.ctx(), self.actor(), found.dag_ids):
            compared = compare.versions(
                self.ctx(),
                actor=self.actor(),
                submission_id=submission_id,
                against=request.args.get("against", compare.DEFAULT, type=int),
                options=diff_options(),
            )
        return self.render(
            "release/submission.html", submission=found, compared=compared, settings=self.ctx().settings
        )

    @route("/file")
    def file(self) -> str:
        """Show what would be submitted for a DAG file now, and what it would change in the target."""
        path = text_arg("path")
        closure = candidates.closure_of(self.ctx(), actor=self.actor(), path=path)
        changes = compare.source_file(self.ctx(), actor=self.actor(), path=path, options=diff_options())
        return self.render(
            "release/file.html", path=path, closure=closure, changes=changes, settings=self.ctx().settings
        )

    @route("/submit", "POST")
    def submit(self) -> Response:
        """Submit the present content of a DAG file."""
        made = submissions.submit(
            self.ctx(),
            actor=self.actor(),
            path=request.form.get("path", ""),
            comment=request.form.get("comment", "").strip(),
        )
        flash(_("v%(version)s of %(path)s was submitted.", version=made.version, path=made.path), "success")
        return redirect(url_for("ToBeReleasedView.list"))

    @route("/submissions/<int:submission_id>/remove", "POST")
    def remove(self, submission_id: int) -> Response:
        """Take a version off the list."""
        gone = submissions.remove(self.ctx(), actor=self.actor(), submission_id=submission_id)
        flash(_("v%(version)s of %(path)s left the list.", version=gone.version, path=gone.path), "success")
        return redirect(url_for("ToBeReleasedView.list"))
