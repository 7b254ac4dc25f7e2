"""Imports: the list, and how bundle files get here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask import jsonify, redirect, request, url_for

from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.services.imports import endings, imports, receiving
from airflow_release_plugin.services.imports.receiving import ReceivedImport
from airflow_release_plugin.services.read_models import imports_page
from airflow_release_plugin.views.web.base import PAGE_SIZE, BasePage, offset_arg, route, whole_number
from airflow_release_plugin.views.web.flashes import flash

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
        page = imports_page.get_imports(self.ctx(), actor=self.actor(), limit=PAGE_SIZE, offset=offset_arg())
        rows = [each.row for each in page.rows]
        return self.render(
            "transfers/imports.html",
            imports=rows,
            total=page.total,
            verdicts={each.row.id: each.verdict for each in page.rows},
            shown_states={each.row.id: each.shown_state for each in page.rows},
            unfinished=page.unfinished,
            moving=any(row.state is ImportState.APPLYING for row in rows),
            may_manage=page.may_manage,
            part_bytes=PART_BYTES,
            keys=page.keys,
            keys_problem=page.keys_problem,
        )

    @route("/begin", "POST")
    def begin(self) -> Response:
        """Announce a file that a script sends in parts."""
        row = imports.begin(
            self.ctx(),
            actor=self.actor(),
            file_name=request.form.get("file_name", ""),
            file_size=request.form.get("file_size", 0, type=whole_number),
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
            offset=request.args.get("offset", 0, type=whole_number),
            chunks=[request.get_data(cache=False)],
        )
        return jsonify(id=row.id, received=row.received)

    @route("/<int:import_id>/complete", "POST")
    def complete(self, import_id: int) -> Response:
        """Look at a file that is whole, and at what it needs here."""
        return _arrived(receiving.complete(self.ctx(), actor=self.actor(), import_id=import_id))

    @route("/upload", "POST")
    def upload(self) -> Response:
        """Take a whole file from a browser without scripts."""
        file = request.files.get("file")
        if file is None or not file.filename:
            raise InvalidRequestError(_("Choose the file of a bundle first."))
        return _arrived(
            receiving.receive(
                self.ctx(),
                actor=self.actor(),
                file_name=file.filename,
                file_size=_size(file),
                chunks=_chunks(file),
            )
        )

    @route("/<int:import_id>/discard", "POST")
    def discard(self, import_id: int) -> Response:
        """Give up an upload or a bundle that was not applied."""
        gone = endings.discard(self.ctx(), actor=self.actor(), import_id=import_id)
        flash(_("Import %(number)s was discarded.", number=gone.id), "success")
        return redirect(url_for("ImportsPage.list"))


def _arrived(received: ReceivedImport) -> Response:
    """Lead to the import."""
    if received.problem:
        flash(received.problem, "danger")
    return redirect(url_for("ImportPage.show", import_id=received.row.id))


def _size(file: FileStorage) -> int:
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(0)
    return size


def _chunks(file: FileStorage) -> Iterator[bytes]:
    return iter(lambda: file.stream.read(_CHUNK), b"")
