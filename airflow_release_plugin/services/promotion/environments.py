"""Target environments: where they stand, putting a branch back, and the records of every DAG version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.exceptions import ConflictError, NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Hold, Release, Submission
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.services.promotion import records
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import environment_ref


@dataclass(frozen=True)
class EnvironmentDetail:
    """
    An environment and what holds it.

    :param moved: whether its branch is not where the product left it
    """

    name: str
    commit: str | None
    recorded_commit: str | None
    moved: bool
    hold: Hold | None = None


@dataclass(frozen=True)
class VersionRecord:
    """One version of one DAG: a record."""

    dag_id: str
    path: str
    version: int
    submission_id: int
    change: ChangeKind
    state: SubmissionState
    in_target: bool
    submitted_by: Person
    submitted_at: datetime
    comment: str
    release_id: int | None
    release_number: str | None
    released_at: datetime | None
    commit: str | None


def get(ctx: Context, *, actor: Actor, name: str) -> EnvironmentDetail:
    """An environment by name; every logged-in user may see where it stands."""
    del actor
    require_known(ctx, name)
    record = releases.environment(ctx.session, name)
    recorded = record.recorded_commit if record else None
    commit = ctx.store.ref(environment_ref(name))
    return EnvironmentDetail(
        name=name,
        commit=commit,
        recorded_commit=recorded,
        moved=commit != recorded,
        hold=holds.in_force(ctx, name),
    )


def require_known(ctx: Context, name: str) -> None:
    """Raise ``NotFoundError`` unless this installation has an environment of that name."""
    if name != ctx.settings.environment:
        raise NotFoundError(
            "There is no environment %(name)r; this installation has %(environment)r.",
            name=name,
            environment=ctx.settings.environment,
        )


def restore(ctx: Context, *, actor: Actor, name: str) -> EnvironmentDetail:
    """Put a branch that was moved by hand back to where the last promotion left it; for admins."""
    access.require_admin(ctx, actor, Message("restore %(name)r", name=name))
    releases.environment(ctx.session, name, lock=True)
    view = get(ctx, actor=actor, name=name)
    if not view.moved:
        return view
    if view.recorded_commit is None:
        raise ConflictError(
            "The branch %(name)r was made by hand before anything was released. Delete it in "
            "the store, or release into another environment.",
            name=name,
        )
    ctx.store.move_ref(environment_ref(name), expected=view.commit, new=view.recorded_commit)
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.ENVIRONMENT_RESTORED,
        subject=f"environment:{name}",
        found=view.commit,
        restored=view.recorded_commit,
    )
    ctx.airflow.serving.announce(name, view.recorded_commit, [])
    return get(ctx, actor=actor, name=name)


def dag_history(
    ctx: Context, *, actor: Actor, name: str, dag_id: str, limit: int = 50, offset: int = 0
) -> Page[VersionRecord]:
    """
    Every version of a DAG, newest first.

    :param name: of the environment
    :param dag_id: the id in the target, or that of the source's copy
    :raises NotFoundError: there is no such environment, or the actor may not read the DAG
    """
    require_known(ctx, name)
    units = records.units_of(ctx, actor=actor, dag_id=dag_id)
    page = submissions.list_submissions(ctx.session, unit_ids=units, limit=limit, offset=offset)
    releases = _releases(ctx, page.items)
    wanted = ctx.settings.target_id(dag_id)
    return page.of([_record(ctx, row, wanted, releases) for row in page.items])


def _releases(ctx: Context, rows: list[Submission]) -> dict[int, Release]:
    return releases.with_items(ctx.session, {row.release_id for row in rows if row.release_id is not None})


def _record(ctx: Context, row: Submission, dag_id: str, releases: dict[int, Release]) -> VersionRecord:
    release = releases.get(row.release_id) if row.release_id is not None else None
    released = row.state is SubmissionState.RELEASED
    return VersionRecord(
        dag_id=dag_id,
        path=row.path,
        version=row.version,
        submission_id=row.id,
        change=row.change,
        state=row.state,
        in_target=released and row.change is not ChangeKind.DELETED,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        comment=row.comment,
        release_id=row.release_id,
        release_number=release.number if release else None,
        released_at=release.released_at if release else None,
        commit=release.target_commit if release else None,
    )
