"""Asking for exports, looking at them, fetching their files. :mod:`.job` makes the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotFoundError,
    ReleaseError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Export
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.models.file_chunk import TransferKind
from airflow_release_plugin.repositories import exports as queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.exports.match import Match, find, require_exports
from airflow_release_plugin.services.runtime import access, audit, installation
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.versions.units import known_unit
from airflow_release_plugin.store.base import environment_ref
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.stored_file import PIECE, StoredFile

_SHOWN = 10


@dataclass(frozen=True)
class ExportFile:
    """A finished file, and what it is called for people."""

    export_id: int
    name: str
    size: int
    sha256: str

    def read(self, start: int = 0, end: int | None = None, *, work: Work = unit_of_work) -> Iterator[bytes]:
        """Its bytes, or some of them; each piece in a transaction of its own, so a slow reader holds none."""
        at, last = start, self.size if end is None else end
        while at < last:
            with work() as (ctx, _):
                file = file_of(ctx, self.export_id)
                file.require(self.size)
                file.seek(at)
                piece = file.read(min(PIECE, last - at))
            at += len(piece)
            yield piece


def file_of(ctx: Context, export_id: int) -> StoredFile:
    """The file of an export."""
    return StoredFile(ctx.session, TransferKind.EXPORT, export_id)


def match(ctx: Context, *, actor: Actor, export_request: ExportRequest) -> Match:
    """What a request comes to, before anything is made."""
    if export_request.base_bundle_id:
        _base(ctx, actor, export_request)
    return find(ctx, actor=actor, request=export_request)


def request(ctx: Context, *, actor: Actor, export_request: ExportRequest) -> Export:
    """
    Ask for a bundle; a server makes it in the background.

    What travels is settled here: the versions that are in the target now, or the files of the source as they
    are when the bundle is made.

    :raises InvalidRequestError: a name is not found, or nothing is chosen
    :raises NotFoundError: this installation has no signing key, or did not make the base
    """
    found = match(ctx, actor=actor, export_request=export_request)
    _refuse_unknown(found)
    KeyFolder(ctx.settings.keys_path).signing_key()
    row = Export(
        state=ExportState.QUEUED,
        bundle_id=str(uuid4()),
        names=list(export_request.names),
        options=_options(ctx, export_request, found),
        base_bundle_id=export_request.base_bundle_id or None,
        total=0,
        report={"left_out": list(found.left_out)},
        requested_at=ctx.clock(),
        **stamp(actor, "requested"),
    )
    installation.uid(ctx)
    ctx.session.add(row)
    # The id names the export in the trail.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.EXPORT_REQUESTED,
        subject=f"export:{row.id}",
        bundle=row.bundle_id,
        origin=export_request.origin.value,
        dag_ids=sorted(dag.dag_id for dag in found.found),
        base=export_request.base_bundle_id,
    )
    return row


def obstacle(ctx: Context) -> str:
    """Why no bundle can be made here, whatever is chosen; empty when one can."""
    try:
        KeyFolder(ctx.settings.keys_path).signing_key()
    except ReleaseError as error:
        return error.message
    return ""


def _options(ctx: Context, export_request: ExportRequest, found: Match) -> dict[str, Any]:
    is_released = export_request.origin is ExportOrigin.TARGET
    return {
        "origin": export_request.origin.value,
        "tag": export_request.tag,
        "release_ids": list(export_request.release_ids),
        "with_upstream": export_request.with_upstream,
        "commit": ctx.store.ref(environment_ref(ctx.settings.environment)) if is_released else None,
        "units": {
            file.path: {
                "unit": known_unit(ctx, file.unit, file.path, file.dag_ids).id,
                "dags": list(file.dag_ids),
                "submission": file.live.id if file.live else None,
            }
            for file in found.exportables
        },
    }


def get(ctx: Context, *, actor: Actor, export_id: int) -> Export:
    """An export of the actor's own; administrators see all."""
    row = queries.export(ctx.session, export_id)
    if row is None or not _sees(ctx, actor, row):
        raise NotFoundError("There is no export %(export_id)s that you may see.", export_id=export_id)
    return row


def list_exports(ctx: Context, *, actor: Actor, limit: int = 50, offset: int = 0) -> Page[Export]:
    """Exports that the actor may see, newest first."""
    require_exports(ctx, actor)
    mine = None if access.is_executor(ctx, actor) else actor.id
    return queries.list_exports(ctx.session, requested_by=mine, limit=limit, offset=offset)


def fetch(ctx: Context, *, actor: Actor, export_id: int, resumed: bool = False) -> ExportFile:
    """
    The file of an export, for download.

    :param resumed: whether the caller has the beginning already; then it is the same download
    :raises ConflictError: it is not ready
    :raises ExpiredError: it was kept long enough
    """
    require_exports(ctx, actor)
    row = get(ctx, actor=actor, export_id=export_id)
    state = row.effective_state(ctx.clock())
    if state is ExportState.EXPIRED:
        raise ExpiredError("The file of export %(export_id)s is gone; generate it anew.", export_id=row.id)
    if state is not ExportState.READY:
        raise _no_file_yet(row, state)
    found = ExportFile(row.id, row.file_name, row.file_size or 0, row.file_sha256 or "")
    file_of(ctx, row.id).require(found.size)
    if not resumed:
        row.downloads += 1
        audit.record(
            ctx,
            actor=actor,
            tag=EventTag.EXPORT_DOWNLOADED,
            subject=f"export:{row.id}",
            bundle=row.bundle_id,
            sha256=row.file_sha256,
        )
    return found


def _no_file_yet(row: Export, state: ExportState) -> ConflictError:
    if row.error:
        return ConflictError(
            "Export %(id)s is %(state)r (%(reason)s); there is no file yet.",
            id=row.id,
            state=state.value,
            reason=row.error,
        )
    return ConflictError("Export %(id)s is %(state)r; there is no file yet.", id=row.id, state=state.value)


def retry(ctx: Context, *, actor: Actor, export_id: int) -> Export:
    """
    Have a bundle made again that our machinery could not make; it is of what was asked for then.

    :raises ConflictError: it has not errored
    """
    require_exports(ctx, actor)
    row = get(ctx, actor=actor, export_id=export_id)
    if row.state is not ExportState.ERRORED:
        raise ConflictError(
            "Export %(id)s is %(state)r; only errored ones are retried. Generate a new one.",
            id=row.id,
            state=row.effective_state(ctx.clock()).value,
        )
    row.report = {**row.report, "attempt": 0}
    row.error = ""
    row.move_to(ExportState.QUEUED)
    audit.record(
        ctx, actor=actor, tag=EventTag.EXPORT_RETRIED, subject=f"export:{row.id}", bundle=row.bundle_id
    )
    return row


def discard(ctx: Context, *, actor: Actor, export_id: int) -> Export:
    """Stop making a bundle, or give up its file, which goes."""
    require_exports(ctx, actor)
    row = get(ctx, actor=actor, export_id=export_id)
    if row.state.is_terminal:
        return row
    row.error = Message("Discarded by %(actor)s.", actor=actor.name)
    row.move_to(ExportState.EXPIRED if row.state is ExportState.READY else ExportState.FAILED)
    file_of(ctx, row.id).remove()
    audit.record(
        ctx, actor=actor, tag=EventTag.EXPORT_DISCARDED, subject=f"export:{row.id}", bundle=row.bundle_id
    )
    return row


def _sees(ctx: Context, actor: Actor, row: Export) -> bool:
    return row.requested_by_id == actor.id or access.is_executor(ctx, actor)


def _base(ctx: Context, actor: Actor, export_request: ExportRequest) -> None:
    row = queries.by_bundle(ctx.session, export_request.base_bundle_id)
    if row is None or not _sees(ctx, actor, row) or row.ready_at is None:
        raise NotFoundError(
            "This installation made no bundle %(bundle)r that you may build on. Choose "
            "one of the list, or export everything.",
            bundle=export_request.base_bundle_id,
        )
    if row.options["origin"] != export_request.origin.value:
        raise InvalidRequestError(
            "Bundle %(bundle)r was made from the %(origin)s; what has changed since can "
            "only be found from there.",
            bundle=export_request.base_bundle_id,
            origin=row.options["origin"],
        )


def _refuse_unknown(found: Match) -> None:
    if found.not_found:
        names = [
            Message("%(name)s (did you mean %(near)s?)", name=unknown.name, near=list(unknown.near))
            if unknown.near
            else unknown.name
            for unknown in found.not_found
        ]
        raise InvalidRequestError(
            "Not found, or not yours to export: %(names)s. Correct or remove them.",
            names=first_few(names, _SHOWN),
            not_found=[unknown.name for unknown in found.not_found],
        )
    if not found.exportables:
        raise InvalidRequestError("Nothing is chosen that could be exported; name at least one Dag.")
