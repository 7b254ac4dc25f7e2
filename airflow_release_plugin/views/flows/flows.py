"""Approval flows: the list in its order, the page of one, and the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from airflow_release_plugin.domain.flow.rules import MAX_LEVELS
from airflow_release_plugin.domain.flow.values import flow_from_dict
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
)
from airflow_release_plugin.models import FlowRevision
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.views.flows.flow_diff import FieldChange, flow_changes
from airflow_release_plugin.views.flows.flow_form import (
    STEPS,
    Draft,
    changed,
    draft_of,
    new_draft,
    problems_by_step,
    raw_of,
    read_draft,
)
from airflow_release_plugin.views.web.base import BasePage, posted_ids, route, text_arg
from airflow_release_plugin.views.widgets.flow_labels import FLOW_KINDS, NOTIFICATIONS, OFFERED_KINDS
from airflow_release_plugin.views.widgets.flow_rows import FlowFilter, in_order, narrowed
from airflow_release_plugin.views.widgets.flow_summary import change_verbs, flow_sentences

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

FILTERS = ("search", "kind", "enabled", "scope", "levels", "who", "updated_by")


@dataclass(frozen=True)
class _Preview:
    """What the flow in the form would do, and what is wrong with it, by step."""

    sentences: list[str]
    problems: dict[str, list[str]]
    warnings: dict[str, list[str]]


class FlowsPage(BasePage):
    """Who must agree to what. Everybody may read the rules; some may change them."""

    route_base = "/flows"
    tab = "flows"

    @route("/")
    def list(self) -> str:
        """Show the flows in the order in which they are tried."""
        flows = flow_admin.list_flows(self.ctx(), actor=self.actor())
        wanted = FlowFilter(**{name: text_arg(name) for name in FILTERS})
        return self.render(
            "flows/list.html",
            flows=narrowed(flows, wanted),
            all_ids=[flow.id for flow in flows if flow.id is not None],
            filtered=wanted != FlowFilter(),
            may_edit=flow_admin.may_edit(self.ctx(), self.actor()),
            kinds=FLOW_KINDS,
            level_numbers=[(str(number), number) for number in range(1, MAX_LEVELS + 1)],
        )

    @route("/<int:flow_id>")
    def show(self, flow_id: int) -> str:
        """Show one flow: what it does, who can approve, what it was."""
        view = flow_admin.get(self.ctx(), actor=self.actor(), flow_id=flow_id)
        revisions = flow_admin.revisions(self.ctx(), actor=self.actor(), flow_id=flow_id)
        by_number = {row.revision: row for row in revisions}
        new = request.args.get("new", view.revision, type=int)
        old = request.args.get("old", new - 1, type=int)
        both = (by_number.get(old), by_number.get(new))
        return self._show(
            view,
            revisions=revisions,
            old=old,
            new=new,
            changes=flow_changes(both[0].spec_json, both[1].spec_json) if both[0] and both[1] else None,
        )

    @route("/builtin")
    def builtin(self) -> str:
        """Show the flow that is tried after all others."""
        return self._show(flow_admin.list_flows(self.ctx(), actor=self.actor())[-1])

    def _show(
        self,
        view: flow_admin.FlowDetail,
        *,
        revisions: Sequence[FlowRevision] = (),
        old: int = 0,
        new: int = 0,
        changes: Sequence[FieldChange] | None = None,
    ) -> str:
        return self.render(
            "flows/detail.html",
            flow=view,
            sentences=flow_sentences(view.spec),
            people=flow_admin.people(self.ctx(), view.spec),
            may_edit=flow_admin.may_edit(self.ctx(), self.actor()),
            kinds=FLOW_KINDS,
            revisions=revisions,
            old=old,
            new=new,
            changes=changes,
        )

    @route("/new")
    def new(self) -> str:
        """Show the form of a new flow."""
        self._require_editor()
        return self._form(new_draft())

    @route("/<int:flow_id>/edit")
    def edit(self, flow_id: int) -> str:
        """Show the form of a flow that exists."""
        self._require_editor()
        view = flow_admin.get(self.ctx(), actor=self.actor(), flow_id=flow_id)
        return self._form(draft_of(view.spec), flow_id=flow_id, revision=view.revision)

    @route("/draft", "POST")
    def draft(self) -> str:
        """Show the form again after a part was added, removed or moved; nothing is saved."""
        self._require_editor()
        draft = changed(_posted_draft(), request.form.get("do", ""))
        return self._form(
            draft,
            flow_id=request.form.get("flow_id", type=int),
            revision=request.form.get("revision", type=int),
        )

    @route("/preview", "POST")
    def preview(self) -> str:
        """Answer with the sentences and problems of the form as it is; nothing is saved."""
        self._require_editor()
        return render_template("flows/_preview.html", preview=self._preview(_posted_draft()))

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Add a flow."""
        draft = _posted_draft()
        try:
            made = flow_admin.create(self.ctx(), actor=self.actor(), raw=raw_of(draft))
            # A name that somebody else took at the same time is found here, not after the answer.
            self.ctx().session.flush()
        except (InvalidRequestError, ConflictError) as error:
            return self._refused(draft, error)
        flash(
            _("%(name)s was created. It is tried after the flows above it.", name=made.spec.name), "success"
        )
        return redirect(url_for("FlowsPage.show", flow_id=made.id))

    @route("/<int:flow_id>/update", "POST")
    def update(self, flow_id: int) -> Response | tuple[str, int]:
        """Save a new revision."""
        draft = _posted_draft()
        revision = request.form.get("revision", 0, type=int)
        try:
            saved = flow_admin.update(
                self.ctx(), actor=self.actor(), flow_id=flow_id, raw=raw_of(draft), revision=revision
            )
        except (InvalidRequestError, ConflictError) as error:
            return self._refused(draft, error, flow_id=flow_id, revision=revision)
        flash(
            _("%(name)s is at revision %(number)s now.", name=saved.spec.name, number=saved.revision),
            "success",
        )
        return redirect(url_for("FlowsPage.show", flow_id=flow_id))

    @route("/<int:flow_id>/enabled", "POST")
    def switch(self, flow_id: int) -> Response:
        """Switch a flow on or off."""
        enabled = request.form.get("enabled") == "1"
        view = flow_admin.set_enabled(self.ctx(), actor=self.actor(), flow_id=flow_id, enabled=enabled)
        words = _("%(name)s is on.") if enabled else _("%(name)s is off. What is under way goes on.")
        flash(words % {"name": view.spec.name}, "success")
        is_from_list = request.form.get("back") == "list"
        return redirect(url_for("FlowsPage.list" if is_from_list else "FlowsPage.show", flow_id=flow_id))

    @route("/delete", "POST")
    def delete(self) -> Response:
        """Delete the chosen flows."""
        gone = flow_admin.delete(self.ctx(), actor=self.actor(), flow_ids=posted_ids("ids"))
        text = ngettext(
            "%(num)s flow was deleted: %(names)s.",
            "%(num)s flows were deleted: %(names)s.",
            len(gone),
            names=", ".join(gone),
        )
        flash(text, "success")
        return redirect(url_for("FlowsPage.list"))

    @route("/order", "POST")
    def order(self) -> Response | tuple[str, int]:
        """Set the order in which flows are tried."""
        ids = in_order(posted_ids("order"), request.form.get("move", ""))
        flow_admin.reorder(self.ctx(), actor=self.actor(), flow_ids=ids)
        if request.headers.get("X-Requested-With") == "fetch":
            return "", 204
        return redirect(url_for("FlowsPage.list"))

    def _require_editor(self) -> None:
        if not flow_admin.may_edit(self.ctx(), self.actor()):
            raise NotAllowedError(_("You may read approval flows but not change them. Ask a release admin."))

    def _refused(
        self,
        draft: Draft,
        error: InvalidRequestError | ConflictError,
        *,
        flow_id: int | None = None,
        revision: int | None = None,
    ) -> tuple[str, int]:
        """The form again with everything that was typed."""
        self.ctx().session.rollback()
        return self._form(draft, flow_id=flow_id, revision=revision, refusal=error), error.status

    def _form(
        self,
        draft: Draft,
        *,
        flow_id: int | None = None,
        revision: int | None = None,
        refusal: InvalidRequestError | ConflictError | None = None,
    ) -> str:
        people = sorted(self.ctx().airflow.access.people(), key=lambda person: person.name)
        preview = self._preview(draft)
        is_new = refusal is None and flow_id is None and request.method == "GET"
        return self.render(
            "flows/form.html",
            draft=draft,
            flow_id=flow_id,
            revision=revision,
            refusal=refusal,
            preview=_Preview(preview.sentences, {}, {}) if is_new else preview,
            steps=STEPS,
            users=[person.name for person in people],
            roles=sorted({role for person in people for role in person.roles}),
            kinds=OFFERED_KINDS,
            facts=[(fact.value, words) for fact, words in change_verbs().items()],
            notifications_words=NOTIFICATIONS,
        )

    def _preview(self, draft: Draft) -> _Preview:
        try:
            raw = raw_of(draft)
        except InvalidRequestError as error:
            return _Preview([], problems_by_step(error), {})
        try:
            view = flow_admin.preview(self.ctx(), actor=self.actor(), raw=raw)
        except InvalidRequestError as error:
            return _Preview(_sentences_anyway(raw), problems_by_step(error), {})
        return _Preview(flow_sentences(view.spec), {}, {"levels": [*view.warnings]} if view.warnings else {})


def _sentences_anyway(raw: dict[str, Any]) -> list[str]:
    """What it would do as far as it can be read: a name that is still missing does not matter."""
    try:
        return flow_sentences(flow_from_dict({**raw, "name": "-", "remark": ""}))
    except InvalidRequestError:
        return []


def _posted_draft() -> Draft:
    return read_draft(request.form.lists())
