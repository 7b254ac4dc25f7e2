"""Releases: the list, asking for one, and the page of one with everything that people decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.services import access, decisions, release_page, releases, submissions
from airflow_release_plugin.views.base import (
    PAGE_SIZE,
    Page,
    choice_arg,
    offset_arg,
    posted_decision,
    posted_ids,
    route,
    text_arg,
)

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

MOVING = frozenset(
    {ReleaseState.CHECKING, ReleaseState.AWAITING_APPROVAL, ReleaseState.APPROVED, ReleaseState.RELEASING}
)
"""States whose page is refreshed while somebody looks at it."""


class ReleaseView(Page):
    """Packages of submissions on their way to the target."""

    route_base = "/releases"
    tab = "releases"

    @route("/")
    def list(self) -> str:
        """Show a page of the list."""
        page = releases.list_releases(
            self.ctx(),
            actor=self.actor(),
            state=choice_arg("state", ReleaseState),
            search=text_arg("search"),
            requested_by=text_arg("requested_by"),
            released_by=text_arg("released_by"),
            order_by=text_arg("order_by") or "-number",
            limit=PAGE_SIZE,
            offset=offset_arg(),
        )
        now = self.ctx().clock()
        rows = [(release, release.effective_state(now)) for release in page.items]
        return self.render(
            "release/releases.html",
            rows=rows,
            total=page.total_entries,
            filtered=any(text_arg(name) for name in ("state", "search", "requested_by", "released_by")),
            moving=any(state in MOVING for _release, state in rows),
        )

    @route("/new")
    def new(self) -> str:
        """Show the form that asks for a release of the chosen versions."""
        return self._form({"submission_ids": request.args.getlist("submission_ids")}, problem=None)

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Ask for a release; a refusal shows the form again with everything that was typed."""
        form = request.form
        try:
            made = releases.request(
                self.ctx(),
                actor=self.actor(),
                title=form.get("title", "").strip(),
                description=form.get("description", "").strip(),
                submission_ids=posted_ids("submission_ids"),
                reviewers=_posted_reviewers(),
                run_after_release="run_after_release" in form,
            )
        except ReleaseError as error:
            self.ctx().session.rollback()
            return self._form(form.to_dict(flat=False), problem=error.message), error.status
        flash(_("%(number)s was created. It is being checked now.", number=made.number), "success")
        return redirect(url_for("ReleaseView.show", release_id=made.id))

    def _form(self, values: dict[str, Any], *, problem: str | None) -> str:
        ids = posted_ids("submission_ids", values.get("submission_ids", []))
        if not ids:
            raise InvalidRequestError("Choose at least one submitted version under To be released.")
        chosen = [submissions.get(self.ctx(), actor=self.actor(), submission_id=i) for i in ids]
        return self.render(
            "release/release_new.html",
            submissions=chosen,
            people=releases.offer(self.ctx(), actor=self.actor(), submission_ids=ids).people,
            values=values,
            problem=problem,
            settings=self.ctx().settings,
        )

    @route("/<int:release_id>")
    def show(self, release_id: int) -> str:
        """Show one release."""
        view = release_page.view(self.ctx(), actor=self.actor(), release_id=release_id)
        changes = None
        if access.may_read_code(self.ctx(), self.actor(), access.release_dag_ids(view.release)):
            changes = release_page.diff(self.ctx(), actor=self.actor(), release_id=release_id)
        return self.render(
            "release/release.html",
            view=view,
            release=view.release,
            events=release_page.events(self.ctx(), actor=self.actor(), release_id=release_id)[::-1],
            changes=changes,
            moving=view.state in MOVING or any(not run.ended for run in view.runs),
        )

    @route("/<int:release_id>/decide", "POST")
    def decide(self, release_id: int) -> Response:
        """Approve or reject."""
        decisions.decide_release(self.ctx(), actor=self.actor(), release_id=release_id, **posted_decision())
        flash(_("Your decision was recorded."), "success")
        return redirect(url_for("ReleaseView.show", release_id=release_id))

    @route("/<int:release_id>/revoke", "POST")
    def revoke(self, release_id: int) -> Response:
        """Take the release back."""
        reason = request.form.get("reason", "").strip()
        gone = releases.revoke(self.ctx(), actor=self.actor(), release_id=release_id, reason=reason)
        flash(_("%(number)s was revoked. Its versions are in the list again.", number=gone.number), "success")
        return redirect(url_for("ReleaseView.show", release_id=release_id))

    @route("/<int:release_id>/retry", "POST")
    def retry(self, release_id: int) -> Response:
        """Start another attempt."""
        started = releases.retry(self.ctx(), actor=self.actor(), release_id=release_id)
        flash(_("Attempt %(attempt)s was started.", attempt=started.attempt), "success")
        return redirect(url_for("ReleaseView.show", release_id=release_id))


def _posted_reviewers() -> list[str]:
    """Ids from checkboxes, or names from the text field that replaces them where users cannot be listed."""
    chosen = request.form.getlist("reviewers")
    return [part.strip() for text in chosen for part in text.split(",") if part.strip()]
