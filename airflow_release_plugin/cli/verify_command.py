"""``airflow release verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, command, deed, fail, operator
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.services.drift import adoption, drift
from airflow_release_plugin.services.read_models import drift_adoption
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work

if TYPE_CHECKING:
    from argparse import Namespace


def verify(args: Namespace) -> None:
    """Compare what runs on this machine with what was approved; repair it or adopt it if asked to."""
    if args.adopt and args.repair:
        raise SystemExit("Give --repair or --adopt, not both: adopting repairs, too.")
    if args.adopt:
        run = command(_preview) if args.dry_run else deed(_adopt)
    else:
        run = deed(_rows) if args.repair else command(_rows)
    run(args)


def _rows(args: Namespace) -> list[Row]:
    act = drift.repair if args.repair else drift.verify
    with unit_of_work() as (ctx, _):
        found = act(ctx, actor=operator(), name=ctx.settings.environment)
    if found.findings:
        fail(args, [finding.to_dict() for finding in found.findings])
    where = f"{found.host}: {found.trees} served trees, head {found.head or 'none'}"
    return [{"kind": "as approved", "place": where, "detail": "", "path": ""}]


def _preview(args: Namespace) -> list[Row]:
    with unit_of_work() as (ctx, _):
        found = drift_adoption.get_adoption(ctx, actor=operator(), name=ctx.settings.environment)
    made, files, preview = found.plan, found.changes, found.preview
    lines = {file.path: f"+{file.diff.added} -{file.diff.removed}" for file in files}
    rows = [{"what": file.change.value, "name": file.path, "detail": lines[file.path]} for file in files]
    rows += [
        {"what": "new version", "name": draft.path, "detail": ", ".join(draft.dag_ids)}
        for draft in made.drafts
    ]
    rows += [
        {"what": "may approve", "name": person.name, "detail": preview.flow} for person in preview.people
    ]
    problems = [text for text in (*made.problems, preview.problem) if text]
    if problems:
        fail(args, [*rows, *({"what": "problem", "name": "", "detail": text} for text in problems)])
    return rows


def _adopt(args: Namespace) -> list[Row]:
    release_request = ReleaseRequest(title=args.title, reviewers=args.reviewer or [])
    with unit_of_work() as (ctx, _):
        name = ctx.settings.environment
        digest = adoption.plan(ctx, actor=operator(), name=name).digest
        release = adoption.adopt(
            ctx, actor=operator(), name=name, digest=digest, release_request=release_request
        )
        return [
            {"number": release.number, "state": release.state.value, "files": len(release.changes)},
        ]
