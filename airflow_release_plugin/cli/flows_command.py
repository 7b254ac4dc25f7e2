"""``airflow release flows …``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, deed, operator
from airflow_release_plugin.domain.flow.file import MAX_BYTES
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError
from airflow_release_plugin.services.approvals import flow_files
from airflow_release_plugin.services.read_models import simulator
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


@command
def export(args: Namespace) -> list[Row] | None:
    """Write all flows as YAML, to the standard output or a file."""
    with unit_of_work() as (ctx, _):
        text = flow_files.export_flows(ctx)
    if not args.file:
        sys.stdout.write(text)
        return None
    try:
        Path(args.file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequestError(
            "%(file)s cannot be written: %(strerror)s.", file=args.file, strerror=error.strerror
        ) from error
    return [{"file": args.file, "bytes": len(text.encode())}]


@deed
def apply(args: Namespace) -> list[Row]:
    """Make the flows of a file the configured ones."""
    data = _read(Path(args.flow_file))
    with unit_of_work() as (ctx, _):
        changes = flow_files.apply_flows(
            ctx, actor=operator(), data=data, prune=args.prune, dry_run=args.dry_run
        )
    return [{"flow": c.flow, "action": c.action, "differences": list(c.differences)} for c in changes]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than is read shows that there is too much, whatever there is.
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotFoundError(
            "%(path)s cannot be read: %(strerror)s.", path=path, strerror=error.strerror
        ) from error


@command
def simulate(args: Namespace) -> list[Row]:
    """Say which flow would apply to a change of a DAG, and why the others do not."""
    changes = [ChangeFact(change) for change in args.change or ["modified"]]
    with unit_of_work() as (ctx, actor):
        found = simulator.of_dag(
            ctx, actor=actor, dag_id=args.dag, kind=ReleaseKind(args.kind), changes=changes, lines=args.lines
        )
        people = [f"{n.name}: {n.needed} of {', '.join(p.name for p in n.eligible)}" for n in found.steps]
        return [
            {
                "flow": trial.flow.name,
                "outcome": trial.outcome.value,
                "level": trial.level or "",
                "people": people if trial is found.applies else [],
            }
            for trial in found.trials
        ]
