"""My approvals: what waits for the user, and the page of a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, url_for
from flask_babel import gettext as _

from airflow_release_plugin.domain.states import GateState
from airflow_release_plugin.services import decisions, gates
from airflow_release_plugin.views.base import Page, posted_decision, route

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ApprovalView(Page):
    """Releases and gates that the user may decide on now."""

    route_base = "/approvals"
    tab = "approvals"

    @route("/")
    def list(self) -> str:
        """Show the inbox."""
        return self.render("release/approvals.html", items=decisions.inbox(self.ctx(), actor=self.actor()))

    @route("/gates/<int:gate_id>")
    def gate(self, gate_id: int) -> str:
        """Show what a running task asks."""
        found = gates.get(self.ctx(), actor=self.actor(), gate_id=gate_id)
        state = found.effective_state(self.ctx().clock())
        return self.render(
            "release/gate.html",
            gate=found,
            state=state,
            approval=gates.approval_view(self.ctx(), found, actor=self.actor()),
            moving=state is GateState.OPEN,
        )

    @route("/gates/<int:gate_id>/decide", "POST")
    def decide(self, gate_id: int) -> Response:
        """Sign off or reject."""
        decisions.decide_gate(self.ctx(), actor=self.actor(), gate_id=gate_id, **posted_decision())
        flash(_("Your decision was recorded."), "success")
        return redirect(url_for("ApprovalView.gate", gate_id=gate_id))
