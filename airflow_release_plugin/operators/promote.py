"""The steps after the check: ask for approval, promote, verify, run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_release_plugin import config
from airflow_release_plugin.domain.release.runs import NOT_STARTED
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import FrozenError, UnavailableError
from airflow_release_plugin.hooks.task import failed_for_good
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.operators.base import PipelineOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient


class RequestApprovalOperator(PipelineOperator):
    """Open the approval of a release whose checks and tests passed. The XCom is the release's state."""

    release_role: ClassVar[str] = TaskRole.REQUEST_APPROVAL.value

    def step(self, client: ReleaseClient, release_id: int) -> str:
        """Ask."""
        return client.request_approval(release_id).state.value


class PromoteReleaseOperator(PipelineOperator):
    """
    Move the target to the approved release, as one commit.

    Promoting again answers the same, so the task may be retried. When the target got changes since the check
    that may make a difference, a new run checks the release again, and this task is skipped. When a freeze
    has begun since the approval, the task waits in the triggerer until it is over. The XCom is the commit.
    """

    release_role: ClassVar[str] = TaskRole.PROMOTE.value

    def step(self, client: ReleaseClient, release_id: int) -> str:
        """Promote."""
        try:
            promotion = client.promote(release_id)
        except FrozenError as error:
            self.log.info("%s", error.message)
            self._wait_until_open(release_id)
        if promotion.state is ReleaseState.CHECKING:
            raise AirflowSkipException(
                f"The target changed since release {release_id} was checked; another run checks it again."
            )
        if promotion.state is not ReleaseState.RELEASED:
            reason = client.get_release(release_id).state_reason or "see its page."
            raise AirflowFailException(f"Release {release_id} is {promotion.state.value!r}: {reason}")
        self.log.info("Release %d is commit %s.", release_id, promotion.commit)
        return promotion.commit

    def _wait_until_open(self, release_id: int) -> NoReturn:
        from airflow_release_plugin.triggers.state import ReleaseStateTrigger

        # Whatever it becomes but held, promoting again says what to do about it.
        others = [state.value for state in ReleaseState if state is not ReleaseState.APPROVED]
        self.defer(
            trigger=ReleaseStateTrigger(
                subject=f"release:{release_id}",
                targets=[ReleaseState.APPROVED.value, *others],
                refusals=[],
                release_conn_id=self.release_conn_id,
            ),
            method_name="resume",
        )

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on when the freeze is over, or when the release went another way."""
        self.log.info("Going on: %s", event["message"] or event["state"])
        return self.execute(context)


class VerifyReleaseOperator(PipelineOperator):
    """
    Wait until Airflow has parsed what was promoted, and fail when it serves something else.

    The server then rolls the release back at once, unless ``[release] auto_rollback`` is off.

    :param timeout: seconds to wait for an answer, counted anew whenever fewer files are missing; by default a
        minute more than ``[release] verify_timeout``, after which the answer is no
    :param poll_interval: seconds between two questions
    """

    release_role: ClassVar[str] = TaskRole.VERIFY.value

    def __init__(self, *, timeout: float | None = None, poll_interval: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.timeout = timeout
        self.poll_interval = poll_interval

    def step(self, client: ReleaseClient, release_id: int) -> None:
        """Ask until there is an answer."""
        timeout = config.verify_timeout() + 60 if self.timeout is None else self.timeout
        missing, deadline = None, 0.0
        while True:
            answer = client.verify(release_id)
            if missing is None or len(answer.problems) < missing:
                missing, deadline = len(answer.problems), time.monotonic() + timeout
            if answer.status == "passed":
                return
            if answer.status == "failed":
                outcome = f" {answer.outcome}" if answer.outcome else ""
                message = f"Release {release_id} is not served as approved.{outcome}"
                raise failed_for_good(message, answer.problems)
            if time.monotonic() >= deadline:
                late = f"Release {release_id} is not parsed after {timeout:g} s; is a dag processor running?"
                raise failed_for_good(late, answer.problems)
            time.sleep(self.poll_interval)


class RunReleasedDagsOperator(PipelineOperator):
    """
    Start the released DAGs when the release asks for it; skipped otherwise. The XCom lists the runs.

    One that cannot be started fails the task, which may be retried: it starts only what is missing.
    """

    release_role: ClassVar[str] = TaskRole.RUN.value

    def step(self, client: ReleaseClient, release_id: int) -> list[dict[str, Any]]:
        """Start them, each once."""
        runs = client.run(release_id)
        if not runs:
            raise AirflowSkipException(f"Release {release_id} has nothing to run.")
        refused = [
            Message("- %(dag_id)s: %(problem)s", dag_id=run.dag_id, problem=run.problem)
            for run in runs
            if run.state == NOT_STARTED
        ]
        if refused:
            head = Message("Release %(number)s: these DAGs could not be started:", number=release_id)
            raise UnavailableError(together([head, *refused], "\n"))
        return [run.model_dump(mode="json") for run in runs]
