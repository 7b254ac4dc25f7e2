"""Lists cost the same number of statements for 3 rows and for 30."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.insights.period import last_days
from airflow_release_plugin.domain.insights.question import InsightQuestion
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.approvals import gates
from airflow_release_plugin.services.discussion import comments, reading
from airflow_release_plugin.services.insights import insights
from airflow_release_plugin.services.promotion import cutover, records, target_dags
from airflow_release_plugin.services.read_models import (
    compare,
    dag_history,
    environment_page,
    flow_decisions,
    home,
    inbox,
    page_frame,
    quick_search,
    release_page,
    submit_preview,
    to_be_released,
    watch,
)
from airflow_release_plugin.services.read_models.release_page import PageLook, ReleaseTab
from airflow_release_plugin.services.read_models.to_be_released import ListRequest
from airflow_release_plugin.services.releases import decisions, emergencies, releases, work
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.submissions import candidates, shared_files, submissions
from airflow_release_plugin.services.submissions.candidates import CandidateFilter
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World
from tests.harness.databases import counted
from tests.harness.discussion import point_at, say

LISTED = ListRequest("", False, CandidateFilter(), "", 200, 0)
READS: dict[str, Callable[[World], Any]] = {
    "candidates": lambda w: candidates.list_candidates(w.ctx, actor=DEV, limit=100).items,
    "shared files": lambda w: shared_files.list_shared_files(w.ctx, actor=DEV, limit=100).items,
    "to be released": lambda w: list(to_be_released.get_list(w.ctx, actor=DEV, asked=LISTED).weights),
    "submit preview": lambda w: (
        submit_preview.get_submit_preview(
            w.ctx,
            actor=DEV,
            paths=[
                row.path
                for row in candidates.list_candidates(w.ctx, actor=DEV, limit=100).items
                if row.can_be_submitted
            ],
        ).units
    ),
    "submissions": lambda w: [
        (s.path, s.submitted_by) for s in submissions.list_submissions(w.ctx, actor=DEV, limit=100).items
    ],
    "releases": lambda w: [
        [item.dag_ids for item in r.items] for r in releases.list_releases(w.ctx, actor=DEV, limit=100).items
    ],
    "release page": lambda w: [
        item.dag_ids for item in release_page.get_release(w.ctx, actor=DEV, release_id=1).release.items
    ],
    **{
        f"release page, {tab.name.lower()}": lambda w, tab=tab: [
            item.dag_ids
            for item in release_page.get_release_page(
                w.ctx, actor=DEV, release_id=1, look=PageLook(tab)
            ).detail.release.items
        ]
        for tab in ReleaseTab
    },
    "version page": lambda w: compare.get_submission_page(w.ctx, actor=DEV, submission_id=1).stays,
    "dag history": lambda w: (
        dag_history.get_history(w.ctx, actor=DEV, dag_id="often", limit=100).history.page.items
    ),
    "home": lambda w: [row.release.dag_ids for row in home.get_home(w.ctx, actor=DEV).moving],
    "frame and inbox": lambda w: range(page_frame.get_frame(w.ctx, actor=REVIEWER).waiting),
    "cut-over": lambda w: cutover.get_cutover(w.ctx, actor=DEV, release_id=1),
    "work tree": lambda w: work.work_of(w.ctx, actor=PIPELINE, release_id=1).dag_files,
    "inbox page": lambda w: list(inbox.get_inbox_page(w.ctx, actor=REVIEWER).trials),
    "inbox": lambda w: decisions.inbox(w.ctx, actor=REVIEWER),
    "gates": lambda w: gates.list_gates(w.ctx, actor=DEV, limit=100).items,
    "events": lambda w: [e.actor for e in audit.list_events(w.ctx, actor=ADMIN, limit=1000).items],
    "records": lambda w: [
        (r.submission.path, r.decisions) for r in records.list_records(w.ctx, actor=DEV, limit=100).items
    ],
    "history": lambda w: [
        (r.submission.version, r.decisions)
        for r in records.history(w.ctx, actor=DEV, dag_id="often", limit=100).page.items
    ],
    "structure": lambda w: compare.get_structure(w.ctx, actor=DEV, release_id=1).unknown,
    "search box": lambda w: [w] * quick_search.find(w.ctx, actor=DEV, text="live").total,
    "flow": lambda w: flow_decisions.decided_lately(w.ctx, actor=DEV, flow_id=None),
    "discussion": lambda w: (
        [each.comments for each in reading.get_discussion(w.ctx, actor=DEV, release_id=1).threads]
        + [list(each.edits) for each in reading.get_discussion(w.ctx, actor=DEV, release_id=1).comments]
    ),
    "dags of the target": lambda w: [
        (row.version.path, row.drift)
        for row in target_dags.list_target_dags(w.ctx, actor=DEV, name="prod").items
    ],
    "environment page": lambda w: environment_page.get_environment(w.ctx, actor=DEV).dags.items,
    "insights": lambda w: (
        insights.get_insights(
            w.ctx, actor=DEV, question=InsightQuestion(last_days(30, w.ctx.clock().date()))
        ).breakdown
    ),
    "insights of a year": lambda w: (
        insights.get_insights(
            w.ctx, actor=ADMIN, question=InsightQuestion(last_days(365, w.ctx.clock().date()))
        ).breakdown
    ),
    "emergencies": lambda w: [
        row.may_review for row in emergencies.list_emergencies(w.ctx, actor=DEV, limit=100).items
    ],
    "states": lambda w: watch.changed_states(
        w.ctx, actor=PIPELINE, known={f"release:{i}": "" for i in range(1, 100)}
    ),
}
RELEASE_TABS = [f"release page, {tab.name.lower()}" for tab in ReleaseTab]
ONE_THING = {
    "release page",
    *RELEASE_TABS,
    "version page",
    "cut-over",
    "work tree",
    "states",
    "structure",
}
"""Reads whose length does not depend on how many releases there are."""
MOST = {
    "home": 28,
    "insights": 12,
    "insights of a year": 11,
    "to be released": 17,
    "inbox page": 14,
    "submit preview": 16,
    "environment page": 24,
    **dict.fromkeys(RELEASE_TABS, 21),
    "version page": 10,
    "dag history": 11,
    "frame and inbox": 15,
    "release page": 9,
    "discussion": 12,
}
"""Statements of what shows more than one list, and emergencies in the inbox; of all others at most 8."""


def fill(world: World, rows: range) -> None:
    """One package of ``rows`` in the target, one waiting release and one gate for each row; shared files."""
    world.released(*[world.dag(f"live{row}") for row in rows])
    for row in rows:
        world.write(f"lib{row}.py", "x = 1\n")
        world.dag(f"one_of_two{row}", lines=f"import lib{row}")
        world.dag(f"two_of_two{row}", lines=f"import lib{row}")
    talked_about = release_queries.release(world.ctx.session, 1)
    assert talked_about is not None
    for row in rows:
        point_at(world, talked_about, "live0.py", text=f"{row}")
        comment_id = say(world, talked_about, f"{row}").comment.id
        comments.edit_comment(world.ctx, actor=REVIEWER, release_id=1, comment_id=comment_id, text="Else")
        world.waiting(world.dag(f"waiting{row}"))
        world.break_glass(world.waiting(world.dag(f"broken{row}")), ADMIN)
        world.gate(f"live{row}")
        world.submit(world.dag(f"listed{row}"))
        world.submit(world.dag("often", lines=f"row = {row}"))
    for row in rows:
        world.dag(f"live{row}", lines=f"row = {row}")


@pytest.mark.parametrize("read", READS)
def test_a_list_costs_the_same_number_of_statements_however_long_it_is(
    world: World, engine: Engine, read: str
) -> None:
    def cost() -> tuple[int, int]:
        world.ctx.session.flush()
        world.ctx.session.expunge_all()
        with counted(engine) as statements:
            rows = READS[read](world)
        return len(statements), len(rows)

    fill(world, range(3))
    few, short = cost()
    fill(world, range(3, 15))
    many, long = cost()

    assert many == few <= MOST.get(read, 8)
    assert long > short or read in ONE_THING
