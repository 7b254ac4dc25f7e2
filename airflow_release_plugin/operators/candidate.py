"""The tree that the target would have: fetched for a step of a pipeline, and the step's result reported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.task import readable_failures, speak_as
from airflow_release_plugin.schemas.work import MAX_DETAIL, ReportBody

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient
    from airflow_release_plugin.operators.work_trees import WorkTrees


@contextmanager
def candidate_tree(release_id: int, *, release_conn_id: str = DEFAULT_CONN_ID) -> Iterator[Path]:
    """
    Give a folder with the tree that the target would have after release ``release_id``; removed afterwards.

    For tasks between check and approval. Run its code in a process of its own, never in the task's.
    """
    with (
        readable_failures(),
        ReleaseHook(release_conn_id).get_conn() as client,
        fetched_trees(client, release_id) as trees,
    ):
        yield trees.build("tree", trees.lists.candidate)


def report_test(
    release_id: int, *, name: str, passed: bool, detail: str = "", release_conn_id: str = DEFAULT_CONN_ID
) -> None:
    """
    Store the result of a test with the release, for its reviewers. A failed one fails the release.

    To be called in a task of the run that works on the release: nobody else may report on it.
    """
    status = CheckStatus.PASSED if passed else CheckStatus.FAILED
    item = CheckItem(name, status, detail=detail[-MAX_DETAIL:])
    with readable_failures(), ReleaseHook(release_conn_id).get_conn() as client:
        speak_as(client, release_id, get_current_context()["ti"])
        attempt = client.get_release(release_id).attempt
        body = ReportBody(kind=ReportKind.TEST, attempt=attempt, items=[item], request_approval=False)
        client.report(release_id, body)


@contextmanager
def fetched_trees(client: ReleaseClient, release_id: int) -> Iterator[WorkTrees]:
    """Give the trees of a release's check; the folders that are made of them are gone afterwards."""
    from airflow_release_plugin.operators.work_trees import WorkTrees

    with tempfile.TemporaryDirectory(prefix="airflow-release-") as folder:
        yield WorkTrees(client.settings, release_id, Path(folder))
