"""The to-be-released list: DAGs and shared files, submitting and removing one or many."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import flask
from flask import jsonify, redirect, render_template, request, url_for

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.languages import said
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.read_models import compare, submit_preview, to_be_released
from airflow_release_plugin.services.read_models.to_be_released import ListRequest
from airflow_release_plugin.services.releases import creation
from airflow_release_plugin.services.runtime import preferences
from airflow_release_plugin.services.submissions import candidates, submissions, undoing
from airflow_release_plugin.services.submissions.candidates import Candidate, CandidateFilter
from airflow_release_plugin.services.submissions.submissions import ItemResult
from airflow_release_plugin.views.web.base import (
    BasePage,
    choice_arg,
    offset_arg,
    posted_ids,
    posted_text,
    route,
    size_arg,
    text_arg,
    whole_number,
)
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.change_words import suggestion
from airflow_release_plugin.views.widgets.diff_rows import diff_options

if TYPE_CHECKING:
    from flask import Response as FlaskResponse
    from werkzeug.wrappers import Response

REMEMBERED = ("tab", "search", "change", "submitted", "submitter", "tag", "without_dags", "order_by", "limit")
"""What the list opens with again the next time."""
_TOLD = 5
"""So many refusals are told one by one."""


class ToBeReleasedPage(BasePage):
    """One row for each DAG file that differs from the target or waits to be released."""

    route_base = "/to-be-released"
    tab = "to_be_released"

    @route("/")
    def list(self) -> str | Response:
        """Show a page of the list as the user left it, or as the query says."""
        asked = _asked()
        shown = to_be_released.get_list(self.ctx(), actor=self.actor(), asked=asked)
        if shown.left:
            offset = f"&offset={offset_arg()}" if offset_arg() else ""
            return redirect(f"{url_for('ToBeReleasedPage.list')}?{shown.left}{offset}")
        if shown.candidates is None:
            files = shown.shared_files
            return self.render(
                "releases/shared_files.html",
                lists=ListPage.TO_BE_RELEASED,
                files=files.items if files else [],
                total=files.total_entries if files else 0,
                limit=asked.limit,
            )
        return self.render(
            "releases/to_be_released.html",
            lists=ListPage.TO_BE_RELEASED,
            candidates=shown.candidates.items,
            weights=shown.weights,
            total=shown.candidates.total_entries,
            filtered=asked.wanted != CandidateFilter(),
            first_use=shown.first_use,
            limit=asked.limit,
            most=creation.MAX_ITEMS,
        )

    @route("/reset")
    def reset(self) -> Response:
        """Forget tab and filters."""
        preferences.remember(self.ctx(), actor=self.actor(), page=to_be_released.PAGE, query="")
        return redirect(url_for("ToBeReleasedPage.list"))

    @route("/matching")
    def matching(self) -> FlaskResponse:
        """Rows of all pages that match, as many as one release may hold; JSON for the selection."""
        page = candidates.list_candidates(
            self.ctx(), actor=self.actor(), wanted=_wanted(), limit=creation.MAX_ITEMS
        )
        rows = [_choice(row) for row in page.items]
        return jsonify({"total": page.total_entries, "rows": [row for row in rows if row]})

    @route("/submissions/<int:submission_id>")
    def submission(self, submission_id: int) -> str:
        """Show a submitted version: its files, and what differs from another version or the target."""
        page = compare.get_submission_page(
            self.ctx(),
            actor=self.actor(),
            submission_id=submission_id,
            against=request.args.get("against", compare.DEFAULT, type=whole_number),
            options=diff_options(),
        )
        return self.render(
            "releases/submission.html",
            submission=page.submission,
            compared=page.compared,
            stays=page.stays,
            evidence=page.evidence,
            trials=page.trials,
        )

    @route("/file")
    def file(self) -> str:
        """Show what would be submitted for a DAG file now, and what it would change in the target."""
        path = text_arg("path")
        found = compare.get_source_file(self.ctx(), actor=self.actor(), path=path, options=diff_options())
        return self.render(
            "releases/source_file.html",
            path=path,
            closure=found.closure,
            changes=found.changes,
            suggestion=suggestion(found.preview.outlines),
        )

    @route("/preview", "POST")
    def preview(self) -> str:
        """Answer with what submitting the chosen files would copy; nothing is copied."""
        shown = submit_preview.get_submit_preview(
            self.ctx(), actor=self.actor(), paths=request.form.getlist("path")
        )
        return render_template(
            "releases/_submit_preview.html",
            units=shown.units,
            suggestion=suggestion(shown.outlines),
            settings=self.ctx().settings,
        )

    @route("/submit", "POST")
    def submit(self) -> Response | str:
        """Submit the present content of one DAG file, or of many; then go on to a release if asked."""
        paths = request.form.getlist("path") or [""]
        comment = posted_text("comment")
        if len(paths) == 1:
            made = submissions.submit(self.ctx(), actor=self.actor(), path=paths[0], comment=comment)
            _flash(
                _("v%(version)s of %(path)s was submitted.", version=made.version, path=made.path),
                "submit",
                [] if made.release_id else [made.id],
            )
            return self._submitted([made.id], made.release_id)
        handled = submissions.submit_many(self.ctx(), actor=self.actor(), paths=paths, comment=comment)
        done = [each.submission for each in handled if each.submission]
        if len(done) < len(handled):
            return self._partly(handled, _next_ids(row.id for row in done))
        _flash(
            counted("%(num)s file was submitted.", "%(num)s files were submitted.", len(done)),
            "submit",
            [] if done[0].release_id else [row.id for row in done],
        )
        return self._submitted([row.id for row in done], done[0].release_id)

    def _submitted(self, ids: Iterable[int], release_id: int | None) -> Response:
        """Go to the release that basic mode made, to the form for one, or back to the list."""
        if release_id is not None:
            return redirect(url_for("ReleasesPage.show", release_id=release_id))
        chosen = _next_ids(ids)
        if chosen:
            return redirect(url_for("ReleasesPage.new", submission_ids=chosen))
        return _back()

    def _partly(self, handled: Iterable[ItemResult], chosen: Iterable[int] = ()) -> str:
        return self.render("releases/handled.html", handled=handled, chosen=chosen)

    @route("/submissions/<int:submission_id>/remove", "POST")
    def remove(self, submission_id: int) -> Response:
        """Take a version off the list."""
        gone = submissions.remove(self.ctx(), actor=self.actor(), submission_id=submission_id)
        _flash(
            _("v%(version)s of %(path)s left the list.", version=gone.version, path=gone.path),
            "remove",
            [gone.id],
        )
        return _back()

    @route("/remove", "POST")
    def remove_many(self) -> Response | str:
        """Take several versions off the list."""
        ids = posted_ids("submission_ids")
        handled = submissions.remove_many(self.ctx(), actor=self.actor(), submission_ids=ids)
        if any(each.problem for each in handled):
            return self._partly(handled)
        _flash(
            counted("%(num)s version left the list.", "%(num)s versions left the list.", len(handled)),
            "remove",
            [each.submission.id for each in handled if each.submission],
        )
        return _back()

    @route("/undo", "POST")
    def undo(self) -> Response:
        """Take back a submission or a removal that nobody has used; say why where that is too late."""
        ids = posted_ids("submission_ids")
        undo = undoing.undo_removals if request.form.get("deed") == "remove" else undoing.undo_submits
        handled = undo(self.ctx(), actor=self.actor(), submission_ids=ids)
        problems = [each.problem for each in handled if each.problem]
        done = len(handled) - len(problems)
        if done:
            flash(counted("%(num)s version was undone.", "%(num)s versions were undone.", done), "success")
        for problem in problems[:_TOLD]:
            flash(problem, "warning")
        if len(problems) > _TOLD:
            left = len(problems) - _TOLD
            flash(counted("%(num)s more stays as it is.", "%(num)s more stay as they are.", left), "warning")
        return _back()


def _flash(text: str, deed: str, ids: Collection[int]) -> None:
    """Say what was done, with the way to take it back where there is one."""
    if ids:
        # Flask keeps whatever JSON can hold; the page makes a form of it.
        flask.flash({"text": said(text), "deed": deed, "ids": list(ids)}, "undo")  # type: ignore[arg-type]
    else:
        flash(text, "success")


REMEMBERED_NAMES = frozenset(REMEMBERED)


def _asked() -> ListRequest:
    """What the query asks for; without any of what is remembered, the list opens as it was left."""
    kept = urlencode([(name, text_arg(name)) for name in REMEMBERED if text_arg(name)])
    return ListRequest(
        query=None if REMEMBERED_NAMES.isdisjoint(request.args) else kept,
        shared=text_arg("tab") == "shared",
        wanted=_wanted(),
        order_by=text_arg("order_by"),
        limit=size_arg(),
        offset=offset_arg(),
    )


def _wanted() -> CandidateFilter:
    return CandidateFilter(
        search=text_arg("search"),
        change=choice_arg("change", ChangeKind),
        submitter=text_arg("submitter"),
        tag=text_arg("tag"),
        submitted={"yes": True, "no": False}.get(text_arg("submitted")),
        without_dags=text_arg("without_dags") == "yes",
    )


def _choice(row: Candidate) -> dict[str, object] | None:
    """What the selection keeps of a row; ``None`` if nothing can be done with it."""
    is_free = row.submission_state is SubmissionState.PENDING
    if not is_free and not row.can_be_submitted:
        return None
    return {
        "path": row.path,
        "name": row.name,
        "id": row.submission_id if is_free else None,
        "submit": row.can_be_submitted,
    }


def _next_ids(submitted: Iterable[int]) -> list[int]:
    """Versions that go on to a release, those that were submitted before among them; none if not asked."""
    asked = request.form.get("then") == "release"
    return [*submitted, *posted_ids("submission_ids")] if asked else []


def _back() -> Response:
    offset = request.form.get("offset", 0, type=whole_number)
    return redirect(url_for("ToBeReleasedPage.list", offset=offset or None))
