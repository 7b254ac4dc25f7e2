"""
Whether what a check found still holds once the target has moved on: then nobody has to check again.

A check says what its DAG files depend on. Where nothing of that has changed since, they would make the same;
and where nothing that has come since depends on what the release changes, it changes nothing that was not
looked at.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from airflow_release_plugin.analysis.closure import IGNORE_FILE
from airflow_release_plugin.domain.release.checks import ReportKind
from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import reports as report_queries
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import footprints
from airflow_release_plugin.services.versions.contents import delta_of, refuse_clashes


def first_doubt(ctx: Context, release: Release, head: str) -> str:
    """
    Why the check of a release says nothing about the target as it is at ``head``, for people.

    Empty where it holds as if it had been made there. Asked for a release that shares no file with what has
    come since: :func:`~airflow_release_plugin.services.versions.contents.changed_under`.
    """
    landed = delta_of(ctx, release.base_commit, ctx.store.changes(release.base_commit, head))
    brought = delta_of(ctx, head, release.changes)
    return next(_doubts(ctx, release, landed, brought), "")


def _doubts(ctx: Context, release: Release, landed: TreeDelta, brought: TreeDelta) -> Iterator[str]:
    reports = [
        row for row in report_queries.of_release(ctx.session, release.id) if row.attempt == release.attempt
    ]
    if any(row.kind is ReportKind.TEST for row in reports):
        yield Message("its tests ran in the target as it was, and nobody knows what they looked at")
    checks = [row for row in reports if row.kind is ReportKind.CHECK and row.passed]
    if not checks or checks[-1].base_commit != release.base_commit:
        yield Message("no check of it was made in the target that it was made for")
        return
    ran = footprints.of_items(checks[-1].items)
    yield from _unwatched(release, ran)
    for path in sorted(landed.paths | brought.paths):
        if posixpath.basename(path) == IGNORE_FILE:
            yield Message("%(path)s decides which Dag files Airflow finds", path=path)
    yield from _met(release, ran, landed)
    own = {item.submission.unit_id for item in release.items}
    for path, met in footprints.affected(ctx, brought, but_for=own).items():
        if path not in ran:
            yield Message("%(path)s depends on %(met)s, which it changes", path=path, met=met[0])
    try:
        refuse_clashes(ctx, [item.submission for item in release.items])
    except InvalidRequestError as error:
        yield error.message


def _unwatched(release: Release, ran: Mapping[str, Footprint]) -> Iterator[str]:
    for item in release.items:
        if not item.submission.is_removal and item.path not in ran:
            yield Message("the check does not say what %(path)s depends on", path=item.path)


def _met(release: Release, ran: Mapping[str, Footprint], landed: TreeDelta) -> Iterator[str]:
    """What landed since, and would show to what the check ran."""
    by_path = {item.path: item.submission for item in release.items}
    for path, footprint in sorted(ran.items()):
        whole = footprints.completed(by_path[path], footprint) if path in by_path else footprint
        if met := whole.met_by(landed):
            yield Message(
                "%(path)s depends on %(met)s, which has changed since its check", path=path, met=met[0]
            )
