"""``airflow release import``."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from airflow_release_plugin.cli.common import Row, deed, fail, operator
from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.name_table import NameTable, name_table
from airflow_release_plugin.domain.bundle.preflight import PreflightFinding as Found
from airflow_release_plugin.domain.bundle.preflight import Severity, blocking, rows_from
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError
from airflow_release_plugin.services.imports import (
    applying,
    imports,
    job,
    name_mappings,
    placeholders,
    preflight,
)
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace

_CHUNK = 1 << 20
_PART = 16
"""Chunks that are written in one transaction."""


@deed
def import_bundle(args: Namespace) -> list[Row]:
    """Take a bundle in, look at it, and apply it unless something blocks it or that was all."""
    given = _names(args.map or ())
    import_id = _taken_in(Path(args.file))
    found = _checked(import_id, args, given)
    if blocking(found):
        fail(args, _table(found))
    return _table(found) if args.check_only else _applied(import_id, args, found)


def _names(given: Iterable[str]) -> NameTable:
    pairs: dict[str, dict[str, str]] = {}
    for text in given:
        kind, colon, rest = text.partition(":")
        there, equals, here = rest.partition("=")
        if not colon or not equals:
            raise InvalidRequestError(
                "%(text)r names nothing; write it like connection:warehouse=dwh.", text=text
            )
        pairs.setdefault(kind.strip(), {})[there.strip()] = here.strip()
    return name_table(pairs)


def _taken_in(path: Path) -> int:
    """Copy the file, or go on with the copy that broke off, and have it looked at."""
    try:
        with path.open("rb") as stream:
            return _copied(stream, path.name)
    except OSError as error:
        raise InvalidRequestError(
            "%(path)s cannot be read: %(strerror)s.", path=path, strerror=error.strerror or error
        ) from error


def _copied(stream: BinaryIO, name: str) -> int:
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(stream, 0):
        digest.update(chunk)
        size += len(chunk)
    with unit_of_work() as (ctx, _):
        row = imports.begin(ctx, actor=operator(), file_name=name, file_size=size, sha256=digest.hexdigest())
        import_id, received, state = row.id, row.received, row.state
    if state is ImportState.UPLOADING:
        while received < size:
            with unit_of_work() as (ctx, _):
                part = islice(_chunks(stream, received), _PART)
                row = imports.append(ctx, actor=operator(), import_id=import_id, offset=received, chunks=part)
                if row.received == received:
                    raise ConflictError("%(name)s became shorter while it was read. Do it again.", name=name)
                received = row.received
        with unit_of_work() as (ctx, _):
            row = imports.complete(ctx, actor=operator(), import_id=import_id)
        imports.require_accepted(row)
    return import_id


def _chunks(stream: BinaryIO, start: int) -> Iterator[bytes]:
    stream.seek(start)
    while chunk := stream.read(_CHUNK):
        yield chunk


def _checked(import_id: int, args: Namespace, given: NameTable) -> tuple[Found, ...]:
    with unit_of_work() as (ctx, _):
        row = preflight.check(
            ctx,
            actor=operator(),
            import_id=import_id,
            folder=args.folder,
            names=_with_remembered(ctx, import_id, given) if given else None,
            take_over=args.take_over,
        )
        found = rows_from(row.preflight)
        if args.placeholders:
            missing = {
                f"{each.placeholder_kind.value}s": [item.name for item in each.items]
                for each in found
                if each.placeholder_kind
            }
            placeholders.create(ctx, actor=operator(), import_id=import_id, **missing)
            found = rows_from(row.preflight)
    return found


def _with_remembered(ctx: Context, import_id: int, given: NameTable) -> NameTable:
    row = imports.get(ctx, actor=operator(), import_id=import_id)
    known = name_mappings.remembered(ctx, row.source_uid or "").to_dict()
    added = given.to_dict()
    return name_table({kind: {**known.get(kind, {}), **added.get(kind, {})} for kind in {*known, *added}})


def _table(found: Iterable[Found]) -> list[Row]:
    return [
        {
            "severity": each.severity.value,
            "reason": each.reason.value,
            "name": item.name,
            "detail": item.detail,
            "dag_ids": list(item.dag_ids),
        }
        for each in found
        for item in each.items
    ]


def _applied(import_id: int, args: Namespace, found: Iterable[Found]) -> list[Row]:
    release_request = ReleaseRequest(args.title, reviewers=tuple(args.reviewer or ()))
    with unit_of_work() as (ctx, _):
        applying.request(
            ctx,
            actor=operator(),
            import_id=import_id,
            mode=ImportMode(args.mode),
            release_request=release_request,
        )
    job.apply_now(import_id)
    while _is_moving(import_id):  # an API server was faster
        time.sleep(1)
    with unit_of_work() as (ctx, _):
        row = imports.get(ctx, actor=operator(), import_id=import_id)
        if row.state is not ImportState.APPLIED:
            raise ConflictError("Import %(id)s was not applied: %(error)s", id=row.id, error=row.error)
        return [
            {
                "import": row.id,
                "bundle": row.bundle_id,
                "signer": row.signer,
                "mode": row.mode,
                "release": row.release_id or "",
                "dag_ids": row.dag_ids,
                "warnings": sorted(each.reason.value for each in found if each.severity is Severity.WARN),
            }
        ]


def _is_moving(import_id: int) -> bool:
    with unit_of_work() as (ctx, _):
        return imports.get(ctx, actor=operator(), import_id=import_id).state is ImportState.APPLYING
