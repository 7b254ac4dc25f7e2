"""My approvals: releases, gates and imports that wait for the user, and the page of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.notifications import outbox
from airflow_release_plugin.services.read_models import import_page
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.releases.decisions import DecisionRequest, DecisionResult
from airflow_release_plugin.views.web.base import BasePage, posted_decision, posted_ids, route, text_arg

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ApprovalsPage(BasePage):
    """Releases, gates and imports that the user may decide on now."""

    route_base = "/approvals"
    tab = "approvals"

    @route("/")
    def list(self) -> str:
        """Show the inbox."""
        return self._inbox([])

    @route("/decide", "POST")
    def decide_several(self) -> str:
        """Approve or reject what was chosen with one comment; each stands for itself."""
        subjects = [_posted_subject(text) for text in request.form.getlist("subjects")]
        if not subjects:
            raise InvalidRequestError(_("Choose at least one of the requests."))
        decision = posted_decision()
        titles = {
            (item.subject, item.subject_id): item.title
            for item in decisions.inbox(self.ctx(), actor=self.actor())
        }
        results = decisions.decide_many(
            self.ctx(),
            actor=self.actor(),
            subjects=subjects,
            verdict=decision["verdict"],
            comment=decision["comment"],
        )
        return self._inbox([(titles.get((r.subject, r.subject_id), ""), r) for r in results])

    def _inbox(self, results: Sequence[tuple[str, DecisionResult]]) -> str:
        items = decisions.inbox(self.ctx(), actor=self.actor())
        brought = import_page.waiting(self.ctx(), actor=self.actor())
        kind = text_arg("kind")
        return self.render(
            "releases/approvals.html",
            waiting=len(items) + len(brought),
            items=[item for item in items if kind in {"", item.subject}],
            imports=[
                (row, import_page.shown_state(row), import_page.verdict(row))
                for row in brought
                if kind in {"", "import"}
            ],
            total=len(items) + len(brought),
            oldest=min((item.opened_at for item in items), default=None),
            results=results,
        )

    @route("/gates/<int:gate_id>")
    def gate(self, gate_id: int) -> str:
        """Show what a running task asks."""
        found = gates.get(self.ctx(), actor=self.actor(), gate_id=gate_id)
        state = found.effective_state(self.ctx().clock())
        return self.render(
            "releases/gate.html",
            gate=found,
            state=state,
            approval=gates.approval_view(self.ctx(), found, actor=self.actor()),
            moving=state is GateState.OPEN,
            unsent=outbox.unsent(self.ctx(), actor=self.actor(), subject=found),
        )

    @route("/gates/<int:gate_id>/decide", "POST")
    def decide(self, gate_id: int) -> Response:
        """Sign off or reject."""
        decisions.decide_gate(self.ctx(), actor=self.actor(), gate_id=gate_id, **posted_decision())
        flash(_("Your decision was recorded."), "success")
        return redirect(url_for("ApprovalsPage.gate", gate_id=gate_id))


def _posted_subject(text: str) -> DecisionRequest:
    """One chosen request, as the list writes it: kind, id, step and digest, ``release:7:0:<digest>``."""
    kind, *numbers, digest = text.split(":")
    if kind not in {"release", "gate"} or len(numbers) != 2:
        raise InvalidRequestError(_("The form is not readable. Reload the page and try again."))
    subject_id, step = posted_ids("subjects", numbers)
    return DecisionRequest(kind, subject_id, digest, step)
