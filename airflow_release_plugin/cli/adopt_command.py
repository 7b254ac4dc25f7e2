"""``airflow release adopt``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, deed, fail, operator
from airflow_release_plugin.services.baseline import adoption, continuity
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_release_plugin.services.baseline.baseline import Baseline


def adopt(args: Namespace) -> None:
    """Preview, adopt or verify, as the options say."""
    if bool(args.folder) == args.verify:
        raise SystemExit("Name the bundle or folder that runs today, or give --verify once it was adopted.")
    run = _verify if args.verify else _preview if args.dry_run else _adopt
    run(args)


@command
def _preview(args: Namespace) -> list[Row]:
    with unit_of_work() as (ctx, _):
        found = adoption.preview(ctx, actor=operator(), folder=args.folder)
    rows = _rows(found)
    if found.problems:
        fail(args, rows)
    return rows


def _rows(found: Baseline) -> list[Row]:
    facts = {
        "bundle": found.bundle,
        "folder": found.root,
        "files": len(found.entries),
        "bytes": found.size,
        "dag files": len(found.dags),
        "dags": len(found.dag_ids),
        "does not import": [f"{path}: {error}" for path, error in found.broken.items()],
        "cannot be taken": list(found.problems),
    }
    return [{"property": name, "value": value} for name, value in facts.items()]


@deed
def _adopt(args: Namespace) -> list[Row]:
    with unit_of_work() as (ctx, _):
        release = adoption.adopt(ctx, actor=operator(), folder=args.folder)
        return [
            {
                "number": release.number,
                "state": release.state.value,
                "commit": release.target_commit or "",
                "files": len(release.changes),
                "dag files": len(release.items),
            }
        ]


@command
def _verify(args: Namespace) -> list[Row]:
    with unit_of_work() as (ctx, _):
        found = continuity.compare(ctx)
    rows: list[Row] = [
        {"check": "served", "detail": f"{n} of {found.dags} Dags by {b}"} for b, n in found.bundles.items()
    ]
    rows += [{"check": "not parsed yet", "detail": name} for name in found.waiting]
    rows += [{"check": "changed", "detail": line} for line in found.differences]
    if found.waiting or found.differences:
        fail(args, rows)
    return [*rows, {"check": "unchanged", "detail": "Dag ids, runs, paused states, schedules"}]
