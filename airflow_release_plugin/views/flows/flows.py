"""Approval flows: the list in its order, the page of one, and the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, request, url_for

from airflow_release_plugin.domain.flow.rules import MAX_LEVELS
from airflow_release_plugin.domain.flow.values import flow_from_dict, flow_to_dict
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
)
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import flow_page
from airflow_release_plugin.services.read_models.flow_page import DraftDetail, FlowFormDetail, FlowPageDetail
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
from airflow_release_plugin.views.web.base import BasePage, day_arg, posted_ids, route, text_arg, whole_number
from airflow_release_plugin.views.web.flashes import flash
from airflow_release_plugin.views.widgets.flow_labels import FLOW_KINDS, NOTIFICATIONS, OFFERED_KINDS
from airflow_release_plugin.views.widgets.flow_rows import DayRange, FlowFilter, in_order, narrowed
from airflow_release_plugin.views.widgets.flow_summary import change_verbs, flow_sentences

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

FILTERS = ("search", "kind", "enabled", "scope", "levels", "who", "created_by", "updated_by")


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
        page = flow_page.get_flows(self.ctx(), actor=self.actor())
        wanted = FlowFilter(
            **{name: text_arg(name) for name in FILTERS},
            created=_days("created"),
            updated=_days("updated"),
        )
        return self.render(
            "flows/list.html",
            flows=narrowed(page.flows, wanted),
            all_ids=[flow.id for flow in page.flows if flow.id is not None],
            filtered=wanted != FlowFilter(),
            may_edit=page.may_edit,
            kinds=FLOW_KINDS,
            level_numbers=[(str(number), number) for number in range(1, MAX_LEVELS + 1)],
        )

    @route("/<int:flow_id>")
    def show(self, flow_id: int) -> str:
        """Show one flow: what it does, who can approve, what it was."""
        page = flow_page.get_flow_page(self.ctx(), actor=self.actor(), flow_id=flow_id)
        by_number = {row.revision: row for row in page.revisions}
        new = request.args.get("new", page.flow.revision, type=whole_number)
        old = request.args.get("old", new - 1, type=whole_number)
        both = (by_number.get(old), by_number.get(new))
        return self._show(
            page,
            old=old,
            new=new,
            changes=flow_changes(both[0].spec_json, both[1].spec_json) if both[0] and both[1] else None,
        )

    @route("/builtin")
    def builtin(self) -> str:
        """Show the flow that is tried after all others."""
        return self._show(flow_page.get_builtin_page(self.ctx(), actor=self.actor()))

    def _show(
        self,
        page: FlowPageDetail,
        *,
        old: int = 0,
        new: int = 0,
        changes: Sequence[FieldChange] | None = None,
    ) -> str:
        return self.render(
            "flows/detail.html",
            flow=page.flow,
            sentences=flow_sentences(page.flow.spec),
            people=page.people,
            decided=page.decided,
            may_edit=page.may_edit,
            revisions=page.revisions,
            kinds=FLOW_KINDS,
            old=old,
            new=new,
            changes=changes,
        )

    @route("/new")
    def new(self) -> str:
        """Show the form of a new flow."""
        return self._form(new_draft(), is_new=True)

    @route("/<int:flow_id>/edit")
    def edit(self, flow_id: int) -> str:
        """Show the form of a flow that exists."""
        form = flow_page.get_form_of(self.ctx(), actor=self.actor(), flow_id=flow_id)
        preview = _preview(flow_to_dict(form.flow.spec), form.draft)
        return self._shown(
            form, draft_of(form.flow.spec), preview, flow_id=flow_id, revision=form.flow.revision
        )

    @route("/draft", "POST")
    def draft(self) -> str:
        """Show the form again after a part was added, removed or moved; nothing is saved."""
        draft = changed(_posted_draft(), request.form.get("do", ""))
        return self._form(
            draft,
            flow_id=request.form.get("flow_id", type=whole_number),
            revision=request.form.get("revision", type=whole_number),
        )

    @route("/preview", "POST")
    def preview(self) -> str:
        """Answer with the sentences and problems of the form as it is; nothing is saved."""
        raw, unreadable = _raw(_posted_draft())
        found = flow_page.get_draft(self.ctx(), actor=self.actor(), raw=raw)
        return render_template("flows/_preview.html", preview=_preview(raw, found, unreadable))

    @route("/create", "POST")
    def create(self) -> Response | tuple[str, int]:
        """Add a flow."""
        draft = _posted_draft()
        try:
            made = flow_admin.create(self.ctx(), actor=self.actor(), raw=raw_of(draft))
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
        revision = request.form.get("revision", 0, type=whole_number)
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
        name = view.spec.name
        on, off = _("%(name)s is on.", name=name), _("%(name)s is off. What is under way goes on.", name=name)
        flash(on if enabled else off, "success")
        is_from_list = request.form.get("back") == "list"
        return redirect(url_for("FlowsPage.list" if is_from_list else "FlowsPage.show", flow_id=flow_id))

    @route("/enabled", "POST")
    def switch_many(self) -> Response:
        """Switch the chosen flows on or off."""
        enabled = request.form.get("enabled") == "1"
        views = flow_admin.switch(self.ctx(), actor=self.actor(), flow_ids=posted_ids("ids"), enabled=enabled)
        names = [view.spec.name for view in views]
        if enabled:
            text = counted(
                "%(num)s flow is on: %(names)s.", "%(num)s flows are on: %(names)s.", len(views), names=names
            )
        else:
            text = counted(
                "%(num)s flow is off: %(names)s. What is under way goes on.",
                "%(num)s flows are off: %(names)s. What is under way goes on.",
                len(views),
                names=names,
            )
        flash(text, "success")
        return redirect(url_for("FlowsPage.list"))

    @route("/delete", "POST")
    def delete(self) -> Response:
        """Delete the chosen flows."""
        gone = flow_admin.delete(self.ctx(), actor=self.actor(), flow_ids=posted_ids("ids"))
        text = counted(
            "%(num)s flow was deleted: %(names)s.",
            "%(num)s flows were deleted: %(names)s.",
            len(gone),
            names=list(gone),
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
        is_new: bool = False,
        flow_id: int | None = None,
        revision: int | None = None,
        refusal: InvalidRequestError | ConflictError | None = None,
    ) -> str:
        raw, unreadable = _raw(draft)
        form = flow_page.get_form(self.ctx(), actor=self.actor(), raw=raw)
        preview = _preview(raw, form.draft, unreadable)
        # Nobody has typed anything into a new one, so nothing is wrong with it yet.
        return self._shown(
            form,
            draft,
            _Preview(preview.sentences, {}, {}) if is_new else preview,
            flow_id=flow_id,
            revision=revision,
            refusal=refusal,
        )

    def _shown(
        self,
        form: FlowFormDetail,
        draft: Draft,
        preview: _Preview,
        *,
        flow_id: int | None = None,
        revision: int | None = None,
        refusal: InvalidRequestError | ConflictError | None = None,
    ) -> str:
        return self.render(
            "flows/form.html",
            draft=draft,
            flow_id=flow_id,
            revision=revision,
            refusal=refusal,
            preview=preview,
            steps=STEPS,
            users=[person.name for person in form.people],
            roles=sorted({role for person in form.people for role in person.roles}),
            kinds=OFFERED_KINDS,
            facts=[(fact.value, words) for fact, words in change_verbs().items()],
            notifications_words=NOTIFICATIONS,
        )


def _days(name: str) -> DayRange:
    """The days of a filter, in UTC."""
    return DayRange(day_arg(f"{name}_after"), day_arg(f"{name}_before", end=True))


def _raw(draft: Draft) -> tuple[dict[str, Any] | None, InvalidRequestError | None]:
    """What was typed as a flow is written, or why it cannot be read."""
    try:
        return raw_of(draft), None
    except InvalidRequestError as error:
        return None, error


def _preview(
    raw: dict[str, Any] | None, found: DraftDetail, unreadable: InvalidRequestError | None = None
) -> _Preview:
    refusal = unreadable or found.refusal
    if refusal is not None:
        return _Preview(_sentences_anyway(raw) if raw else [], problems_by_step(refusal), {})
    if found.flow is None:
        return _Preview([], {}, {})
    warnings = {"levels": [*found.flow.warnings]} if found.flow.warnings else {}
    return _Preview(flow_sentences(found.flow.spec), {}, warnings)


def _sentences_anyway(raw: dict[str, Any]) -> list[str]:
    """What it would do as far as it can be read: a name that is still missing does not matter."""
    try:
        return flow_sentences(flow_from_dict({**raw, "name": "-", "remark": ""}))
    except InvalidRequestError:
        return []


def _posted_draft() -> Draft:
    return read_draft(request.form.lists())
