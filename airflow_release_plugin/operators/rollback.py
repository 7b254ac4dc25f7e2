"""Asking for a rollback or a retirement, from a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.task import as_id, as_list
from airflow_release_plugin.operators.base import ReleaseOperator
from airflow_release_plugin.schemas.rollback import RollbackBody, RollbackScopeBody

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient


class RollbackReleaseOperator(ReleaseOperator):
    """
    Request a rollback, or a retirement, as a release that people approve. The XCom is its number.

    Give exactly one of: ``rollback_dag_id`` with ``version``; ``undo_release_id``; ``after_release_id``;
    ``retire``.
    Wait for it with :class:`~airflow_release_plugin.sensors.release.ReleaseStateSensor`. A shared file that
    others were released with fails the task unless ``include`` or ``keep`` say what to do.

    :param reviewers: ids or login names of at least one person who may approve, never oneself
    :param rollback_dag_id: DAG to bring back to ``version``
    :param version: a version of it that was released once
    :param undo_release_id: release whose changes are taken back
    :param after_release_id: bring the whole environment to where it was just after this release
    :param retire: DAGs to take out of the target
    :param include: paths of DAG files that go back as well
    :param keep: shared files that stay as they are
    :param title: what people see in lists; says what goes back by default
    :param description: text for the reviewers
    :param run_after_release: start the DAGs as soon as they are back
    """

    template_fields: Sequence[str] = (
        "reviewers",
        "rollback_dag_id",
        "version",
        "undo_release_id",
        "after_release_id",
        "retire",
        "include",
        "keep",
        "title",
        "description",
    )

    def __init__(
        self,
        *,
        reviewers: Sequence[str],
        rollback_dag_id: str = "",
        version: int | str = "",
        undo_release_id: int | str = "",
        after_release_id: int | str = "",
        retire: Sequence[str] = (),
        include: Sequence[str] = (),
        keep: Sequence[str] = (),
        title: str = "",
        description: str = "",
        run_after_release: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reviewers = reviewers
        self.rollback_dag_id = rollback_dag_id
        self.version = version
        self.undo_release_id = undo_release_id
        self.after_release_id = after_release_id
        self.retire = retire
        self.include = include
        self.keep = keep
        self.title = title
        self.description = description
        self.run_after_release = run_after_release

    def work(self, context: Context, client: ReleaseClient) -> int:
        """Look at the plan, then ask for exactly that."""
        scope = RollbackScopeBody(
            dag_id=self.rollback_dag_id or None,
            version=_number(self.version, "version"),
            release_id=_number(self.undo_release_id, "undo_release_id"),
            after_release_id=_number(self.after_release_id, "after_release_id"),
            retire=as_list(self.retire),
            include=as_list(self.include),
            keep=as_list(self.keep),
        )
        plan = client.preview_rollback(scope)
        for row in plan.rows:
            self.log.info("%s: v%s -> v%s", row.path, row.present_version, row.restored_version)
        release = client.request_rollback(
            RollbackBody(
                **scope.model_dump(),
                digest=plan.digest,
                reviewers=[str(value) for value in as_list(self.reviewers)],
                title=self.title,
                description=self.description,
                run_after_release=self.run_after_release,
            )
        )
        push_link(context, client.settings, f"releases/{release.id}")
        self.log.info("Release %s is %s.", release.number, release.state.value)
        return release.id


def _number(value: Any, name: str) -> int | None:
    """An id, perhaps rendered from a template; ``None`` if it is empty."""
    return None if value is None or not str(value).strip() else as_id(value, name)
