"""What the operators of a release's pipeline share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_release_plugin.hooks.links import ReleaseLink, push_link
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.role import RecordedRole
from airflow_release_plugin.hooks.task import RELEASE_ID_FROM_CONF, as_id, readable_failures, speak_as
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_release_plugin.client.release import ReleaseClient

    Callback = Callable[[Context], None]


class ReleaseOperator(BaseOperator):
    """
    Base of the operators that talk to Airflow Release.

    :param release_conn_id: connection of type ``airflow_release``
    """

    ui_color = "#e3f1ea"
    operator_extra_links: Collection[BaseOperatorLink] = (ReleaseLink(),)

    def __init__(self, *, release_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.release_conn_id = release_conn_id

    def execute(self, context: Context) -> Any:
        """Do the work; what the server refuses fails the task for good, with the server's message."""
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            return self.work(context, client)

    def work(self, context: Context, client: ReleaseClient) -> Any:
        """What the operator does; implemented by each."""
        raise NotImplementedError


class PipelineOperator(RecordedRole, ReleaseOperator):
    """
    Base of the steps of a pipeline. When one fails for good and leaves its release open, that is errored.

    :param release_id: number of the release; by default the one that the DAG run's conf names
    """

    template_fields: Sequence[str] = ("release_id",)

    def __init__(
        self,
        *,
        release_id: int | str = RELEASE_ID_FROM_CONF,
        on_failure_callback: Callback | Sequence[Callback] | None = None,
        **kwargs: Any,
    ) -> None:
        given = [on_failure_callback] if callable(on_failure_callback) else on_failure_callback or []
        super().__init__(on_failure_callback=[*given, report_errored], **kwargs)
        self.release_id = release_id

    def work(self, context: Context, client: ReleaseClient) -> Any:
        """Link to the release, then do the step."""
        release_id = as_id(self.release_id, "release_id")
        push_link(context, client.settings, f"releases/{release_id}", self.release_role)
        speak_as(client, release_id, context["ti"])
        return self.step(client, release_id)

    def step(self, client: ReleaseClient, release_id: int) -> Any:
        """What the operator does; implemented by each."""
        raise NotImplementedError


def report_errored(context: Context) -> None:
    """
    Tell the server that a step of the pipeline failed for good (``on_failure_callback`` of any task in it).

    A release that has ended already (rejected, failed checks and so on) stays as it is: only one that is
    still open, and on which nobody works any more, becomes errored, with the exception as reason.
    """
    task = context["task"]
    conn_id = getattr(task, "release_conn_id", DEFAULT_CONN_ID)
    conf = context["dag_run"].conf or {}
    release_id = as_id(getattr(task, "release_id", conf.get("release_id")), "release_id")
    with ReleaseHook(conn_id).get_conn() as client:
        release = client.get_release(release_id)
        if release.state.is_open and release.attempt == int(conf.get("attempt") or release.attempt):
            speak_as(client, release_id, context["ti"])
            client.errored(
                release_id,
                Message("Task %(task)r failed: %(reason)s", task=task.task_id, reason=_reason(context)),
            )


def _reason(context: Context) -> object:
    error = context.get("exception") or Message("the task ended without saying why")
    # Airflow's exceptions keep what they were made of.
    said = getattr(error, "args", ())
    return next((each for each in said if isinstance(each, Message)), error)
