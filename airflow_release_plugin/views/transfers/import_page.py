"""The page of one import: what stands in its way, the names that things have here, and letting it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import redirect, request, url_for

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted
from airflow_release_plugin.services.imports import applying, preflight
from airflow_release_plugin.services.imports import placeholders as import_placeholders
from airflow_release_plugin.services.read_models import import_page
from airflow_release_plugin.views.transfers.imports import PART_BYTES
from airflow_release_plugin.views.web.base import BasePage, is_live_fetch, posted_release_request, route
from airflow_release_plugin.views.web.flashes import flash

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


class ImportPage(BasePage):
    """Look at a bundle, mend what stands in its way, let it in."""

    route_base = "/transfers/imports"
    tab = "transfers"

    @route("/<int:import_id>")
    def show(self, import_id: int) -> str:
        """Show one import."""
        return self._page(import_id, request.args.to_dict(flat=False))

    @route("/<int:import_id>/check", "POST")
    def check(self, import_id: int) -> Response | tuple[str, int]:
        """Look again, with the folder and the names of the form; a refusal shows what was typed again."""
        form = request.form
        try:
            preflight.check(
                self.ctx(),
                actor=self.actor(),
                import_id=import_id,
                folder=form.get("folder", ""),
                renamed=_typed(form.to_dict(flat=False)),
                take_over="take_over" in form,
            )
        except ReleaseError as error:
            return self._again(import_id, error)
        return redirect(url_for("ImportPage.show", import_id=import_id))

    @route("/<int:import_id>/placeholders", "POST")
    def placeholders(self, import_id: int) -> Response | tuple[str, int]:
        """Make what is missing, by name only."""
        form = request.form
        try:
            made = import_placeholders.create(
                self.ctx(),
                actor=self.actor(),
                import_id=import_id,
                connections=form.getlist("connection"),
                variables=form.getlist("variable"),
                pools=form.getlist("pool"),
            )
        except ReleaseError as error:
            return self._again(import_id, error)
        flash(
            counted(
                "%(num)s placeholder was made. Fill it in before the Dags run.",
                "%(num)s placeholders were made. Fill them in before the Dags run.",
                len(made),
            ),
            "success",
        )
        return redirect(url_for("ImportPage.show", import_id=import_id))

    @route("/<int:import_id>/apply", "POST")
    def apply(self, import_id: int) -> Response | tuple[str, int]:
        """Let the bundle in; a refusal shows the form again with everything that was typed."""
        try:
            applying.request(
                self.ctx(),
                actor=self.actor(),
                import_id=import_id,
                mode=_mode(request.form.to_dict(flat=False)),
                release_request=posted_release_request(),
            )
        except ReleaseError as error:
            return self._again(import_id, error)
        flash(_("Import %(number)s is being applied.", number=import_id), "success")
        return redirect(url_for("ImportPage.show", import_id=import_id))

    def _again(self, import_id: int, error: ReleaseError) -> tuple[str, int]:
        self.ctx().session.rollback()
        return self._page(import_id, request.form.to_dict(flat=False), problem=error.message), error.status

    def _page(self, import_id: int, values: Mapping[str, Any], problem: str = "") -> str:
        mode = _mode(values)
        level = values.get("at_least_level", ["1"])[0]
        # Asked for only where somebody is about to ask them.
        asks = mode is ImportMode.RELEASE and not is_live_fetch()
        view = import_page.get_import(
            self.ctx(),
            actor=self.actor(),
            import_id=import_id,
            release_level=(int(level) if level.isdecimal() else 1) if asks else None,
        )
        return self.render(
            "transfers/import_detail.html",
            view=view,
            row=view.row,
            moving=view.row.state is ImportState.APPLYING,
            part_bytes=PART_BYTES,
            mode=mode.value,
            preview=view.preview,
            typed=_typed(values),
            values=values,
            problem=problem,
        )


def _mode(values: Mapping[str, Any]) -> ImportMode:
    wanted = values.get("mode", [""])[0]
    return next((mode for mode in ImportMode if mode.value == wanted), ImportMode.SUBMIT)


def _typed(values: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Names here by kind and name there, as a form that was refused has them."""
    fields = (values.get(name, []) for name in ("kind", "there", "here"))
    return {(kind, there): here for kind, there, here in zip(*fields, strict=False)}
