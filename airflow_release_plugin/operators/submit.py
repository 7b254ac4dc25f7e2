"""Submitting a version and asking for a release, from a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.task import as_id, as_list
from airflow_release_plugin.operators.base import ReleaseOperator
from airflow_release_plugin.schemas.release import ReleaseBody
from airflow_release_plugin.schemas.submission import SubmissionBody

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient


class SubmitDagOperator(ReleaseOperator):
    """
    Submit the present content of one DAG file of the source, with everything that it needs.

    The XCom is the number of the submission. Submitting what is submitted already fails the task.

    :param path: path of the DAG file, relative to the source
    :param comment: what changed, for reviewers
    """

    template_fields: Sequence[str] = ("path", "comment")
    operator_extra_links = ()

    def __init__(self, *, path: str, comment: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.comment = comment

    def work(self, context: Context, client: ReleaseClient) -> int:
        """Submit."""
        submission = client.submit(SubmissionBody(path=self.path, comment=self.comment))
        self.log.info("Submitted %s as version %d.", submission.path, submission.version)
        return submission.id


class RequestReleaseOperator(ReleaseOperator):
    """
    Put submitted versions into a release, which starts its pipeline. The XCom is the number of the release.

    :param title: what people see in lists
    :param submission_ids: numbers of submissions, or outputs of :class:`SubmitDagOperator` tasks
    :param reviewers: ids or login names of at least one person who may approve, never oneself
    :param description: text for the reviewers
    :param run_after_release: start the DAGs as soon as they are released
    :param soak_minutes: the first runs must succeed within them, else the release is rolled back; 0 = no soak
    """

    template_fields: Sequence[str] = ("title", "submission_ids", "reviewers", "description")

    def __init__(
        self,
        *,
        title: str,
        submission_ids: Any,
        reviewers: Sequence[str],
        description: str = "",
        run_after_release: bool = False,
        soak_minutes: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.title = title
        self.submission_ids = submission_ids
        self.reviewers = reviewers
        self.description = description
        self.run_after_release = run_after_release
        self.soak_minutes = soak_minutes

    def work(self, context: Context, client: ReleaseClient) -> int:
        """Ask for the release."""
        body = ReleaseBody(
            title=self.title,
            description=self.description,
            submission_ids=[as_id(value, "submission_ids") for value in as_list(self.submission_ids)],
            reviewers=[str(value) for value in as_list(self.reviewers)],
            run_after_release=self.run_after_release,
            soak_minutes=self.soak_minutes,
        )
        release = client.request_release(body)
        push_link(context, client.settings, f"releases/{release.id}")
        self.log.info("Release %s is %s.", release.number, release.state.value)
        return release.id
