"""Imports: the list, and how bundle files get here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _

from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, TransferUnavailableError
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.exports import transfer_visibility
from airflow_release_plugin.services.imports import imports, preflight
from airflow_release_plugin.services.read_models import import_page
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, route

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage
    from werkzeug.wrappers import Response

PART_BYTES = 4 * 1024 * 1024
"""Most bytes of a file in one request; others wait for the import while a part is written."""
FORM_BYTES = 32 * 1024 * 1024
"""Largest file that a browser without scripts can send."""
BODY_LIMITS = {"ImportsPage.append": PART_BYTES, "ImportsPage.upload": FORM_BYTES + 64 * 1024}
"""Requests that may be larger than others, by endpoint."""
_CHUNK = 1024 * 1024


def allow_uploads() -> None:
    """Let a file be larger than a form may be; runs before anything reads the body."""
    limit = BODY_LIMITS.get(request.endpoint or "")
    if limit is not None:
        request.max_content_length = limit


class ImportsPage(BasePage):
    """Bundles of other installations, and whose may come in."""

    route_base = "/transfers/imports"
    tab = "transfers"

    @route("/")
    def list(self) -> str:
        """Show what came in, whose bundles may, and where to put one."""
        transfer_visibility.require_imports(self.ctx(), self.actor())
        page = imports.list_imports(self.ctx(), actor=self.actor(), limit=PAGE_SIZE, offset=offset_arg())
        may_manage = imports.may_import(self.ctx(), self.actor())
        return self.render(
            "transfers/imports.html",
            imports=page.items,
            total=page.total_entries,
            verdicts={row.id: import_page.verdict(row) for row in page.items},
            shown_states={row.id: import_page.shown_state(row) for row in page.items},
            unfinished=self._unfinished(page.items),
            moving=any(row.state is ImportState.APPLYING for row in page.items),
            may_manage=may_manage,
            part_bytes=PART_BYTES,
            **(self._keys() if may_manage else {}),
        )

    def _unfinished(self, rows: Sequence[Import]) -> Sequence[Import]:
        """Uploads that the user can go on with."""
        return [
            row
            for row in rows
            if row.state is ImportState.UPLOADING and row.uploaded_by_id == self.actor().id
        ]

    def _keys(self) -> dict[str, Any]:
        """Whom this installation trusts; a folder that cannot be relied on must not hide the page."""
        try:
            keys = import_page.trusted_keys(self.ctx(), actor=self.actor())
        except TransferUnavailableError as error:
            return {"keys": [], "keys_problem": error.message}
        now = self.ctx().clock()
        return {"keys": [(key, key.standing(now)) for key in keys], "keys_problem": ""}

    @route("/begin", "POST")
    def begin(self) -> Response:
        """Announce a file that a script sends in parts."""
        row = imports.begin(
            self.ctx(),
            actor=self.actor(),
            file_name=request.form.get("file_name", ""),
            file_size=request.form.get("file_size", 0, type=int),
        )
        return jsonify(id=row.id, received=row.received)

    @route("/<int:import_id>/received")
    def received(self, import_id: int) -> Response:
        """Say where an upload goes on."""
        row = imports.get(self.ctx(), actor=self.actor(), import_id=import_id)
        return jsonify(id=row.id, received=row.received, state=row.state.value)

    @route("/<int:import_id>/append", "POST")
    def append(self, import_id: int) -> Response:
        """Take the next part of a file."""
        row = imports.append(
            self.ctx(),
            actor=self.actor(),
            import_id=import_id,
            offset=request.args.get("offset", 0, type=int),
            chunks=[request.get_data(cache=False)],
        )
        return jsonify(id=row.id, received=row.received)

    @route("/<int:import_id>/complete", "POST")
    def complete(self, import_id: int) -> Response:
        """Look at a file that is whole, and at what it needs here."""
        return self._look(imports.complete(self.ctx(), actor=self.actor(), import_id=import_id))

    @route("/upload", "POST")
    def upload(self) -> Response:
        """Take a whole file from a browser without scripts."""
        file = request.files.get("file")
        if file is None or not file.filename:
            raise InvalidRequestError(_("Choose the file of a bundle first."))
        begun = imports.begin(self.ctx(), actor=self.actor(), file_name=file.filename, file_size=_size(file))
        row = imports.append(
            self.ctx(), actor=self.actor(), import_id=begun.id, offset=0, chunks=_chunks(file)
        )
        return self._look(imports.complete(self.ctx(), actor=self.actor(), import_id=row.id))

    def _look(self, row: Import) -> Response:
        """Lead to the import; what its file needs here is found at once, under the names that are kept."""
        if row.state is ImportState.UPLOADED:
            try:
                with self.ctx().session.begin_nested():
                    preflight.check(self.ctx(), actor=self.actor(), import_id=row.id)
            except ReleaseError as error:
                flash(error.message, "danger")
        return redirect(url_for("ImportPage.show", import_id=row.id))

    @route("/<int:import_id>/discard", "POST")
    def discard(self, import_id: int) -> Response:
        """Give up an upload or a bundle that was not applied."""
        gone = imports.discard(self.ctx(), actor=self.actor(), import_id=import_id)
        flash(_("Import %(number)s was discarded.", number=gone.id), "success")
        return redirect(url_for("ImportsPage.list"))


def _size(file: FileStorage) -> int:
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    return size


def _chunks(file: FileStorage) -> Iterator[bytes]:
    return iter(lambda: file.stream.read(_CHUNK), b"")
