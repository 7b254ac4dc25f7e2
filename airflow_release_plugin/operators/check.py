"""Checking a release on a worker, before anybody is asked to approve it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_release_plugin.domain.release.checks import (
    CheckItem,
    CheckStatus,
    ReportKind,
    failed,
)
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.hooks.task import failed_for_good
from airflow_release_plugin.messages import keep_messages, shortened
from airflow_release_plugin.operators.base import PipelineOperator
from airflow_release_plugin.operators.candidate import fetched_trees
from airflow_release_plugin.operators.progress import ProgressTeller
from airflow_release_plugin.schemas.work import JoinedFileBody, ReportBody, WorkResponse

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient
    from airflow_release_plugin.operators.work_trees import WorkTrees
    from airflow_release_plugin.proof.proving import Proof, Provable
    from airflow_release_plugin.proof.report import FileReport


class CheckReleaseOperator(PipelineOperator):
    """
    Run the versions of a release where they come from and where they would live, and compare.

    They run in the source as it was submitted and in the tree that the target would have, confined and
    watched. Files that were opened and that a version lacks join it. A difference of the DAGs, a file that
    cannot be imported, a file without DAGs, a DAG id that two files define, and harm to a DAG that is not in
    the release fail the release, and then the task. The XCom is the list of DAG ids.

    :param release_id: number of the release; by default the one that the DAG run's conf names
    :param request_approval: open the approval when the check passes; turn it off when tests follow, and end
        them with :class:`~airflow_release_plugin.operators.promote.RequestApprovalOperator`
    """

    release_role: ClassVar[str] = TaskRole.CHECK.value

    def __init__(self, *, request_approval: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request_approval = request_approval

    def step(self, client: ReleaseClient, release_id: int) -> list[str]:
        """Fetch, run where it comes from and where it would live, compare, report."""
        from airflow_release_plugin.operators.check_items import items_of
        from airflow_release_plugin.proof.proving import Provable

        work = client.get_work(release_id)
        units = [
            Provable(unit.path, frozenset(unit.files), unit.snapshot, unit.is_imported) for unit in work.units
        ]
        teller = ProgressTeller(partial(client.tell_progress, release_id), attempt=work.attempt)
        with fetched_trees(client, release_id) as trees, teller:
            proof = self._prove(work, units, trees, teller)
            items = items_of(proof, units, trees.lists, work.served)
        items += [CheckItem("deleted", CheckStatus.PASSED, path) for path in work.deleted]
        self._send(client, release_id, self._report(work, items, proof))
        problems = [f"{item.path}: {item.headline}" for item in failed(items)]
        if problems:
            raise failed_for_good(f"Release {release_id} did not pass its check:", problems)
        parsed = proof.candidate
        self.log.info("Release %d: %d files parsed in %.1f s.", release_id, len(parsed.files), parsed.seconds)
        return list(parsed.dag_ids)

    def _prove(
        self, work: WorkResponse, units: list[Provable], trees: WorkTrees, teller: ProgressTeller
    ) -> Proof:
        from airflow_release_plugin.proof.here import running_here
        from airflow_release_plugin.proof.limits import Limits
        from airflow_release_plugin.proof.proving import prove

        limits = Limits(work.start_timeout, work.file_timeout, work.timeout, work.memory_mb)
        confined = work.require_confinement
        with running_here(work.environment, limits=limits, require_confinement=confined) as running:
            # In both, although one would do: both then say the same.
            run = partial(running, last_runs=work.model_dump(include={"last_runs"})["last_runs"])
            return prove(
                units,
                work.dag_files,
                trees=trees.lists,
                build=trees.build,
                run=run,
                run_in_candidate=partial(run, on_progress=partial(self._tell, teller)),
                served=work.served,
            )

    def _tell(self, teller: ProgressTeller, path: str, report: FileReport | None) -> None:
        """Tell the server, and the log of the task, which has everything."""
        teller(path, report)
        if report is not None:
            self.log.info("%s: %.2f s, %d files opened.", path, report.seconds, len(report.observed.opened))
            for line in report.logged:
                self.log.info("%s logged %s", path, line)

    def _send(self, client: ReleaseClient, release_id: int, body: ReportBody) -> None:
        try:
            client.report(release_id, body)
        except ConflictError:
            # The worker, or only the answer, was lost after the report had arrived: then it is there.
            reports = client.get_release(release_id).reports
            same = [(report.kind, report.attempt, report.base_commit) for report in reports]
            if (body.kind, body.attempt, body.base_commit) not in same:
                raise

    def _report(self, work: WorkResponse, items: list[CheckItem], proof: Proof) -> ReportBody:
        by_path = {unit.path: unit.submission_id for unit in work.units}
        return ReportBody(
            kind=ReportKind.CHECK,
            attempt=work.attempt,
            base_commit=work.base_commit,
            items=[replace(item, facts=keep_messages(item.facts)) for item in items],
            joined=[
                JoinedFileBody(
                    submission_id=by_path[each.unit], path=each.path, reason=shortened(each.reason, 500)
                )
                for each in proof.joined
            ],
            request_approval=self.request_approval,
        )
