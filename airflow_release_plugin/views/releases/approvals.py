"""My approvals: releases, gates and imports that wait for the user, and the page of a gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from airflow_release_plugin.domain.list_pages import ListPage
from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.read_models import gate_page, inbox
from airflow_release_plugin.services.releases import decisions
from airflow_release_plugin.services.releases.decisions import DecisionRequest, DecisionResult
from airflow_release_plugin.views.web.base import BasePage, posted_decision, posted_ids, route, text_arg
from airflow_release_plugin.views.web.flashes import flash

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
        return self._inbox(
            decisions.decide_many(
                self.ctx(),
                actor=self.actor(),
                subjects=subjects,
                verdict=decision["verdict"],
                comment=decision["comment"],
            )
        )

    def _inbox(self, results: Sequence[DecisionResult]) -> str:
        page = inbox.get_inbox_page(self.ctx(), actor=self.actor())
        found = page.inbox
        kind = text_arg("kind")
        return self.render(
            "releases/approvals.html",
            lists=ListPage.INBOX,
            waiting=len(found),
            items=[item for item in found.items if kind in {"", item.subject}],
            imports=[
                (each.row, each.shown_state, each.verdict) for each in found.imports if kind in {"", "import"}
            ],
            emergencies=[each for each in found.emergencies if kind in {"", "release"}],
            trials=page.trials,
            total=len(found),
            oldest=min((item.opened_at for item in found.items), default=None),
            results=[(result.title, result) for result in results],
        )

    @route("/gates/<int:gate_id>")
    def gate(self, gate_id: int) -> str:
        """Show what a running task asks."""
        page = gate_page.get_gate(self.ctx(), actor=self.actor(), gate_id=gate_id)
        return self.render(
            "releases/gate.html",
            gate=page.gate,
            state=page.state,
            approval=page.approval,
            moving=page.state is GateState.OPEN,
            unsent=page.unsent,
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
