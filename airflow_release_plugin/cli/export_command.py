"""``airflow release export``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, operator
from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest, read_names
from airflow_release_plugin.domain.states import MOVING_EXPORT_STATES, ExportState
from airflow_release_plugin.durable import appearing
from airflow_release_plugin.exceptions import ConflictError, TransferUnavailableError
from airflow_release_plugin.services.exports import exports, job
from airflow_release_plugin.services.exports.exports import ExportFile
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def export(args: Namespace) -> list[Row]:
    """Make a bundle here and now, and copy it to a file."""
    export_request = ExportRequest(
        names=read_names(args.names),
        tag=args.tag or "",
        base_bundle_id=args.since or "",
        origin=ExportOrigin.SOURCE if args.from_source else ExportOrigin.TARGET,
        with_upstream=args.upstream,
    )
    with unit_of_work() as (ctx, _):
        export_id = exports.request(ctx, actor=operator(), export_request=export_request).id
    job.make_now(export_id)
    while _is_moving(export_id):  # an API server was faster
        time.sleep(1)
    with unit_of_work() as (ctx, _):
        row = exports.get(ctx, actor=operator(), export_id=export_id)
        if row.state in {ExportState.FAILED, ExportState.ERRORED}:
            raise ConflictError(
                "Export %(id)s %(state)s: %(error)s", id=row.id, state=row.state.value, error=row.error
            )
        found = exports.fetch(ctx, actor=operator(), export_id=export_id)
        target = Path(args.file or found.name)
        _write(found, target)
        return [
            {
                "export": row.id,
                "bundle": row.bundle_id,
                "file": str(target),
                "bytes": row.file_size,
                "sha256": row.file_sha256,
                "dag_ids": row.report["dags"],
                "likely_secrets": [f"{found['path']}:{found['line']}" for found in row.report["secrets"]],
            }
        ]


def _is_moving(export_id: int) -> bool:
    with unit_of_work() as (ctx, _):
        return exports.get(ctx, actor=operator(), export_id=export_id).state in MOVING_EXPORT_STATES


def _write(file: ExportFile, target: Path) -> None:
    try:
        with appearing(target) as copy:
            copy.writelines(file.read())
    except OSError as error:
        raise TransferUnavailableError(
            "%(target)s cannot be written: %(strerror)s.", target=target, strerror=error.strerror or error
        ) from error
