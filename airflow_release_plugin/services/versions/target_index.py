"""Who in the target may be concerned by something; nobody else is read, however many the target holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from airflow_release_plugin.domain.tree.footprint import users_marks
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import target_marks
from airflow_release_plugin.repositories.target_marks import FiledVersion
from airflow_release_plugin.services.runtime.context import Context


def users_of(ctx: Context, paths: Collection[str]) -> dict[Submission, set[str]]:
    """Versions in the target that have any of these files, by unit, each with those that it has."""
    wanted = set(paths)
    found = {row: wanted & {file["path"] for file in row.closure} for row in under(ctx, users_marks(wanted))}
    return {row: used for row, used in found.items() if used}


def depending_on(ctx: Context, paths: Collection[str]) -> list[FiledVersion]:
    """
    Versions in the target that have any of these files, or were seen to use them, by unit.

    Without what is in them, for whoever asks often. Few others may be among them.
    """
    return target_marks.narrow_under(ctx.session, ctx.settings.source, users_marks(paths))


def makers_of(ctx: Context, dag_ids: Collection[str]) -> list[Submission]:
    """Versions in the target that make any of these DAGs, by unit; few others may be among them."""
    return under(ctx, makers_marks(dag_ids))


def concerned(
    ctx: Context, *, dag_ids: Collection[str], awaited: Collection[str], assets: Collection[str]
) -> list[Submission]:
    """
    Versions in the target that make a DAG, wait for one, or are started by an asset, by unit.

    :param dag_ids: of DAGs that they make
    :param awaited: of DAGs that they wait for
    :param assets: names of assets
    """
    return under(ctx, makers_marks(dag_ids) | waiters_marks(awaited) | takers_marks(assets))


def makers_marks(dag_ids: Iterable[str]) -> frozenset[str]:
    """What the versions that make these DAGs are filed under."""
    return frozenset(f"dag:{dag_id}" for dag_id in dag_ids)


def waiters_marks(dag_ids: Iterable[str]) -> frozenset[str]:
    """What the versions that wait for these DAGs are filed under."""
    return frozenset(f"waits:{dag_id}" for dag_id in dag_ids)


def takers_marks(assets: Iterable[str]) -> frozenset[str]:
    """What the versions that these assets start are filed under."""
    return frozenset(f"asset:{name}" for name in assets)


def file_under(ctx: Context, marks: Mapping[int, Collection[str]], gone: Collection[int]) -> None:
    """
    Let versions be found by these marks, and by no others.

    :param marks: by version
    :param gone: versions that are in the target no more
    """
    target_marks.file_under(ctx.session, marks, gone)


def under(ctx: Context, marks: Collection[str]) -> list[Submission]:
    """Versions in the target that are filed under any of these, by unit; few others may be among them."""
    return target_marks.live_under(ctx.session, ctx.settings.source, marks)
