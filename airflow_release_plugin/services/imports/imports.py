"""Bundles from other installations: how they come in, who may see them, what is in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader

from airflow_release_plugin.domain.bundle.manifest import Manifest, manifest_from_dict
from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.domain.text.file_names import clean_name
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.exceptions import (
    BundleAlteredError,
    BundleError,
    BundleMalformedError,
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    TooLargeError,
    error_for_code,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.models.file_chunk import TransferKind
from airflow_release_plugin.models.transfer import REFUSED
from airflow_release_plugin.repositories import imports as queries
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.limits import BundleLimits
from airflow_release_plugin.transfer.reader import Bundle, read_bundle
from airflow_release_plugin.transfer.stored_file import StoredFile

_SHA256 = re.compile("[0-9a-f]{64}")
_CHUNK = 1 << 20


def require_importer(ctx: Context, actor: Actor, deed: str) -> None:
    """Raise unless imports are switched on, releases reach their target here, and the actor is an admin."""
    if not ctx.settings.imports_enabled:
        raise NotAllowedError(
            "Imports are switched off here; an administrator sets [release] imports_enabled."
        )
    access.require_target(ctx)
    access.require_admin(ctx, actor, deed)


def may_import(ctx: Context, actor: Actor) -> bool:
    """Whether :func:`require_importer` would pass."""
    allowed = actor.kind is ActorKind.SYSTEM or access.is_admin(ctx, actor)
    return allowed and ctx.settings.imports_enabled and ctx.settings.has_target


def named(row: Import) -> str:
    """How a sentence about an import begins."""
    return Message("Import %(number)s", number=row.id)


def file_of(ctx: Context, row: Import) -> StoredFile:
    """The file of an import, as far as it is here."""
    return StoredFile(ctx.session, TransferKind.IMPORT, row.id)


def begin(ctx: Context, *, actor: Actor, file_name: str, file_size: int, sha256: str = "") -> Import:
    """
    Announce a file. Its bytes follow in parts, from ``received`` on.

    Whoever announces a file by its hash that is or was here already goes on with that import.

    :raises BundleTooLargeError: no bundle is so large
    """
    require_importer(ctx, actor, Message("import bundles"))
    if file_size < 1:
        raise BundleMalformedError(
            "%(file_name)r is empty, so it is no bundle.", file_name=clean_name(file_name)
        )
    if sha256 and not _SHA256.fullmatch(sha256):
        raise InvalidRequestError(
            "%(sha256)r is no SHA-256; give 64 hex digits, or leave it out.", sha256=sha256[:80]
        )
    BundleLimits().require_archive(file_size)
    known = queries.same_file(ctx.session, sha256, file_size, actor.id) if sha256 else None
    if known is not None:
        return known
    row = Import(
        state=ImportState.UPLOADING,
        file_name=clean_name(file_name),
        file_size=file_size,
        received=0,
        file_sha256=sha256 or None,
        uploaded_at=ctx.clock(),
        **stamp(actor, "uploaded"),
    )
    ctx.session.add(row)
    # The id names its file, and the import in the trail.
    ctx.session.flush()
    return row


def expect(
    ctx: Context, *, actor: Actor, import_id: int, offset: int, size: int, total: int | None = None
) -> None:
    """
    Say whether so many bytes from ``offset`` on are wanted now, before they come.

    :param total: size of the whole file, as who sends it says now
    :raises InvalidRequestError: another size was announced
    :raises ConflictError: they are not; ``received`` of its context says where to go on
    """
    row = _uploading(ctx, actor, import_id)
    if total is not None and total != row.file_size:
        raise InvalidRequestError(
            "%(file_name)r was announced with %(file_size)s bytes and has %(total)s now. Look "
            "whether it is the same, discard %(subject)s and begin anew.",
            file_name=row.file_name,
            file_size=f"{row.file_size:,}",
            total=f"{total:,}",
            subject=row.subject,
        )
    _require_offset(row, offset)
    _require_room(row, offset + size)


def append(ctx: Context, *, actor: Actor, import_id: int, offset: int, chunks: Iterable[bytes]) -> Import:
    """
    Add the next part of the file. It should be ready to read: others wait for the import meanwhile.

    :raises ConflictError: it does not begin where the parts before it end; its context says ``received``
    :raises TooLargeError: there are more bytes than were announced; none of this part are kept
    :raises TransferUnavailableError: what came before is not here any more
    """
    row = _uploading(ctx, actor, import_id)
    # Two parts at once: the second one sees what the first one added, or loses here, before it writes.
    queries.hold(ctx.session, row)
    _require_offset(row, offset)
    file = file_of(ctx, row)
    file.require(offset)
    row.received += file.append(_measured(row, chunks))
    row.beat_at = ctx.clock()
    return row


def _measured(row: Import, chunks: Iterable[bytes]) -> Iterator[bytes]:
    end = row.received
    for chunk in chunks:
        end += len(chunk)
        _require_room(row, end)
        yield chunk


def _require_offset(row: Import, offset: int) -> None:
    if offset != row.received:
        raise ConflictError(
            Message(
                "Of %(subject)s, %(received)s of %(file_size)s bytes are here; go on at byte "
                "%(first)s, not at %(offset)s.",
                subject=row.subject,
                received=f"{row.received:,}",
                file_size=f"{row.file_size:,}",
                first=row.received,
                offset=offset,
            ),
            received=row.received,
        )


def _require_room(row: Import, end: int) -> None:
    if end > row.file_size:
        raise TooLargeError(
            "%(file_name)r was announced with %(file_size)s bytes, and more came. Look whether "
            "it has changed, discard %(subject)s and begin anew.",
            file_name=row.file_name,
            file_size=f"{row.file_size:,}",
            subject=row.subject,
            limit=row.file_size,
        )


def _uploading(ctx: Context, actor: Actor, import_id: int) -> Import:
    require_importer(ctx, actor, Message("import bundles"))
    row = get_locked(ctx, actor=actor, import_id=import_id)
    if row.state is not ImportState.UPLOADING:
        raise _takes_no_more(row)
    return row


def _takes_no_more(row: Import) -> ConflictError:
    if row.error:
        return ConflictError(
            "%(subject)s is %(state)r: %(reason)s; it takes no more bytes.",
            subject=named(row),
            state=row.state.value,
            reason=row.error,
            received=row.received,
        )
    return ConflictError(
        "%(subject)s is %(state)r; it takes no more bytes.",
        subject=named(row),
        state=row.state.value,
        received=row.received,
    )


def complete(ctx: Context, *, actor: Actor, import_id: int) -> Import:
    """
    Look at a file that is whole: its hash, its limits, who signed it, every byte of its content.

    The import is then uploaded, or failed with the reason and without its file; :func:`require_accepted` says
    which. That has to be committed, so it is not raised here.

    :raises ConflictError: bytes are missing
    :raises TransferUnavailableError: file or keys cannot be read; nothing has changed
    """
    row = _uploading(ctx, actor, import_id)
    if row.received < row.file_size:
        raise ConflictError(
            Message(
                "%(subject)s has %(received)s of %(file_size)s bytes; send the rest.",
                subject=named(row),
                received=f"{row.received:,}",
                file_size=f"{row.file_size:,}",
            ),
            received=row.received,
        )
    try:
        row.file_sha256 = _hash(file_of(ctx, row), row)
        with _open_file(ctx, row) as bundle:
            bundle.verify()
            _take_over(row, bundle)
    except BundleError as error:
        _refuse(ctx, actor, row, error)
    else:
        row.move_to(ImportState.UPLOADED)
        record(ctx, row, EventTag.IMPORT_UPLOADED, actor=actor, signer=row.signer, size=row.file_size)
    row.beat_at = None
    return row


def _hash(file: StoredFile, row: Import) -> str:
    file.require(row.received)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    found = digest.hexdigest()
    if row.file_sha256 not in {None, found}:
        raise BundleAlteredError(
            "What came has the SHA-256 %(sha256)s, not %(announced)s as announced. Upload it again.",
            announced=row.file_sha256,
            sha256=found,
        )
    return found


def _take_over(row: Import, bundle: Bundle) -> None:
    manifest = bundle.manifest
    row.bundle_id, row.source_uid = manifest.bundle_id, manifest.installation_id
    row.signer, row.expires_at = bundle.key.name, manifest.expires
    row.manifest = manifest.to_dict()
    row.dag_ids = dag_ids_of(manifest)


def dag_ids_of(manifest: Manifest) -> list[str]:
    """Sorted ids of the DAGs that a bundle brings or takes away."""
    brought = {dag_id for unit in manifest.units for dag_id in unit.dag_ids}
    return sorted(brought.union(*(gone.dag_ids for gone in manifest.removed)))


def release_title(dag_ids: Iterable[str]) -> str:
    """What a release of DAGs that an import brings is called where nobody says anything else."""
    return f"Import of {first_few([dag_id[:140] for dag_id in sorted(dag_ids)])}"


def _refuse(ctx: Context, actor: Actor, row: Import, error: BundleError) -> None:
    row.error = error.message
    row.options = {**row.options, REFUSED: error.code}
    row.move_to(ImportState.FAILED)
    remove_file(ctx, row)
    record(ctx, row, EventTag.IMPORT_FAILED, actor=actor, reason=error.message, code=error.code)


def require_accepted(row: Import) -> None:
    """Raise why the file of an import was refused, if it was."""
    if code := row.error_code:
        raise error_for_code(code)(row.error, import_id=row.id)


def record(ctx: Context, row: Import, tag: EventTag, *, actor: Actor, **data: JsonValue) -> None:
    """Write down in the trail what became of an import."""
    facts = {"bundle": row.bundle_id, "source_uid": row.source_uid, "sha256": row.file_sha256}
    audit.record(ctx, actor=actor, tag=tag, subject=f"import:{row.id}", **facts, dag_ids=row.dag_ids, **data)


def remove_file(ctx: Context, row: Import) -> None:
    """Remove the file of an import that nobody needs any more."""
    file_of(ctx, row).remove()


def get(ctx: Context, *, actor: Actor, import_id: int) -> Import:
    """An import that holds a DAG which the actor may read; administrators see all."""
    return _visible(ctx, actor, queries.get(ctx.session, import_id), import_id)


def get_locked(ctx: Context, *, actor: Actor, import_id: int) -> Import:
    """The same, to be changed."""
    return _visible(ctx, actor, queries.get(ctx.session, import_id, lock=True), import_id)


def _visible(ctx: Context, actor: Actor, row: Import | None, import_id: int) -> Import:
    if row is None or not (access.is_executor(ctx, actor) or access.may_read(ctx, actor, row.dag_ids)):
        raise NotFoundError("There is no import %(import_id)s that you may see.", import_id=import_id)
    return row


def list_imports(ctx: Context, *, actor: Actor, limit: int = 50, offset: int = 0) -> Page[Import]:
    """Imports that the actor may see, newest first; their manifests are not loaded."""
    ids = None if access.is_executor(ctx, actor) else _visible_ids(ctx, actor)
    return queries.list_imports(ctx.session, ids=ids, limit=limit, offset=offset)


def _visible_ids(ctx: Context, actor: Actor) -> list[int]:
    held = queries.dag_ids(ctx.session)
    wanted = access.both_ids(ctx, {dag_id for dag_ids in held.values() for dag_id in dag_ids})
    readable = ctx.airflow.access.readable(actor, wanted)
    return [i for i, dag_ids in held.items() if not readable.isdisjoint(access.both_ids(ctx, dag_ids))]


def contents(ctx: Context, *, actor: Actor, import_id: int) -> Manifest:
    """What a bundle says about itself; its signature was good when it came."""
    return manifest_of(get(ctx, actor=actor, import_id=import_id))


def manifest_of(row: Import) -> Manifest:
    """
    The manifest of an import.

    :raises ConflictError: the file is not whole yet, or was refused
    """
    if not row.manifest:
        raise ConflictError(
            "%(subject)s is %(state)r; its content is not known.",
            subject=named(row),
            state=row.state.value,
        )
    return manifest_from_dict(row.manifest)


def read_file(ctx: Context, *, actor: Actor, import_id: int, path: str) -> bytes:
    """One file of a bundle, to be looked at."""
    require_importer(ctx, actor, Message("read the code in a bundle"))
    with opened(ctx, get(ctx, actor=actor, import_id=import_id)) as bundle:
        return bundle.read(path)


@contextmanager
def opened(ctx: Context, row: Import) -> Iterator[Bundle]:
    """
    The bundle of an import, opened anew: whoever signed it has to be trusted at this moment.

    :raises ConflictError: the file is not whole yet, or nobody needs it any more
    :raises BundleError: the key was revoked meanwhile, the bundle expired, or the file is another one now
    """
    if row.state is ImportState.UPLOADING or row.state not in queries.WITH_FILE:
        raise ConflictError(
            "%(subject)s is %(state)r; its file is not there.",
            subject=named(row),
            state=row.state.value,
        )
    with _open_file(ctx, row) as bundle:
        if bundle.manifest.to_dict() != row.manifest:
            raise BundleAlteredError(
                "The file of %(subject)s is not the one that was uploaded.", subject=row.subject
            )
        yield bundle


@contextmanager
def _open_file(ctx: Context, row: Import) -> Iterator[Bundle]:
    file = file_of(ctx, row)
    file.require(row.received)
    trusted = KeyFolder(ctx.settings.keys_path).trusted()
    yield read_bundle(BufferedReader(file, _CHUNK), trusted=trusted, now=ctx.clock())
