"""The content of a bundle that is on its way in: its DAG files, single files, what new names change."""

from __future__ import annotations

from flask import request

from airflow_release_plugin.services.read_models import import_contents as contents
from airflow_release_plugin.views.web.base import BasePage, route, text_arg
from airflow_release_plugin.views.widgets.diff_rows import diff_options, shown_code


class ImportContentPage(BasePage):
    """Look into a bundle; nothing of it is run."""

    route_base = "/transfers/imports"
    tab = "transfers"

    @route("/<int:import_id>/unit")
    def unit(self, import_id: int) -> str:
        """Show one DAG file with what it needs, who agreed to it, and what it changes here."""
        look = contents.unit(
            self.ctx(),
            actor=self.actor(),
            import_id=import_id,
            path=text_arg("path"),
            options=diff_options(),
        )
        return self.render("transfers/import_unit.html", look=look, unit=look.placement.bundled)

    @route("/<int:import_id>/file")
    def file(self, import_id: int) -> str:
        """Show one file as it was signed."""
        path = request.args.get("path", "")
        data = contents.file(self.ctx(), actor=self.actor(), import_id=import_id, path=path)
        return self.render(
            "transfers/import_file.html", import_id=import_id, path=path, code=shown_code(path, data)
        )

    @route("/<int:import_id>/names")
    def names(self, import_id: int) -> str:
        """Show what the names of this installation change in the files."""
        changes = contents.renamed(
            self.ctx(), actor=self.actor(), import_id=import_id, options=diff_options()
        )
        return self.render("transfers/import_names.html", import_id=import_id, changes=changes)
