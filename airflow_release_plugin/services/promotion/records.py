"""The records: every version of every DAG, what was decided on it, and where it is now (R15)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.records import VersionPlace
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.text.search import sought_words
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.models import Decision, Event, Release, Submission
from airflow_release_plugin.repositories import approvals, events, records, search_words, submissions
from airflow_release_plugin.repositories.pages import Page
from airflow_release_plugin.repositories.records import RecordFilter, RecordRow
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context

ORDER_COLUMNS = records.ORDER_COLUMNS.keys()
TRAIL = 200
"""Most events of a history page."""


@dataclass(frozen=True)
class ReleaseMembership:
    """
    One release that a version was in, whatever became of it.

    :param state: of the release, now
    :param is_checked: whether its last check passed; ``None`` before there is one
    :param decisions: of all its attempts, oldest first
    """

    release: Release
    state: ReleaseState
    is_checked: bool | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Record:
    """
    One version.

    :param release: the one that holds it or released it
    :param stays: every release that it was in, the newest first
    """

    submission: Submission
    release: Release | None
    place: VersionPlace
    stays: tuple[ReleaseMembership, ...]

    @property
    def is_checked(self) -> bool | None:
        """Whether the last check of its newest release passed; ``None`` before there is one."""
        return self.stays[0].is_checked if self.stays else None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All that people decided about releases with it, in the order of these releases."""
        return tuple(decision for stay in self.stays for decision in stay.decisions)


@dataclass(frozen=True)
class History:
    """
    Every version of one DAG.

    :param dag_id: in the target
    :param live: the version that the target serves
    :param page: a page of all versions, the newest first
    """

    dag_id: str
    live: Record | None
    page: Page[Record]


def list_records(
    ctx: Context,
    *,
    actor: Actor,
    search: str = "",
    submitter: str = "",
    place: VersionPlace | None = None,
    order_by: str = "-submitted_at",
    limit: int = 50,
    offset: int = 0,
) -> Page[Record]:
    """Versions that the actor may see; a fixed number of queries, whatever the number of rows."""
    criteria = RecordFilter(
        submitter=submitter,
        place=place,
        of_units=search_words.units_with(ctx.session, sought_words(search)),
        unit_ids=access.readable_units(ctx, actor),
    )
    page = records.list_records(ctx.session, criteria, order_by=order_by, limit=limit, offset=offset)
    return page.of(_records(ctx, page.items))


def history(ctx: Context, *, actor: Actor, dag_id: str, limit: int = 50, offset: int = 0) -> History:
    """
    Every version of a DAG.

    :param dag_id: the id in the target, or that of the source's copy
    :raises NotFoundError: the actor may not read the DAG
    """
    criteria = RecordFilter(of_units=units_of(ctx, actor=actor, dag_id=dag_id))
    page = records.list_records(ctx.session, criteria, limit=limit, offset=offset)
    live = RecordFilter(of_units=criteria.of_units, place=VersionPlace.IN_TARGET)
    served = records.list_records(ctx.session, live, limit=1, offset=0).items
    rows = _records(ctx, [*served, *page.items])
    return History(
        ctx.settings.target_id(dag_id),
        rows[0] if served else None,
        page.of(rows[len(served) :]),
    )


def units_of(ctx: Context, *, actor: Actor, dag_id: str) -> set[int]:
    """Units that define a DAG which the actor may read; ``NotFoundError`` where they may not."""
    target_id = ctx.settings.target_id(dag_id)
    if not access.may_read(ctx, actor, [target_id]):
        raise NotFoundError("There is no Dag %(dag_id)r that you may see.", dag_id=dag_id)
    known = submissions.dag_ids_by_unit(ctx.session, ctx.settings.source)
    return {unit for unit, dag_ids in known.items() if target_id in dag_ids}


def trail(ctx: Context, shown: Sequence[Record]) -> list[Event]:
    """What happened to these versions and their releases, the newest first."""
    subjects = {f"submission:{record.submission.id}" for record in shown}
    subjects |= {f"release:{stay.release.id}" for record in shown for stay in record.stays}
    return events.newest_of_many(ctx.session, sorted(subjects), limit=TRAIL) if subjects else []


def stays_of(ctx: Context, submission: Submission) -> tuple[ReleaseMembership, ...]:
    """The releases that a version was in, the newest first."""
    return _stays(ctx, [submission.id]).get(submission.id, ())


def _records(ctx: Context, rows: Sequence[RecordRow]) -> list[Record]:
    stays = _stays(ctx, [row.submission.id for row in rows])
    return [Record(row.submission, row.release, row.place, stays.get(row.submission.id, ())) for row in rows]


def _stays(ctx: Context, submission_ids: Collection[int]) -> dict[int, tuple[ReleaseMembership, ...]]:
    """By submission; three queries, whatever the number."""
    pairs = records.stays(ctx.session, submission_ids)
    release_ids = {release.id for _, release in pairs}
    checks = records.last_checks(ctx.session, release_ids)
    decided = approvals.decisions_on(ctx.session, release_ids)
    stays: dict[int, tuple[ReleaseMembership, ...]] = {}
    for submission_id, release in pairs:
        stay = ReleaseMembership(
            release,
            release.effective_state(ctx.clock()),
            checks.get(release.id),
            tuple(decided.get(release.id, ())),
        )
        stays[submission_id] = (*stays.get(submission_id, ()), stay)
    return stays
