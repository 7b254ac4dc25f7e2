"""Checking a release on a worker, before anybody is asked to approve it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_release_plugin import config
from airflow_release_plugin.config.parsing_environment import parsing_environment
from airflow_release_plugin.domain.release.checks import (
    CONFINEMENT,
    CheckItem,
    CheckStatus,
    ReportKind,
    failed,
)
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.hooks.task import failed_for_good
from airflow_release_plugin.operators.base import PipelineOperator
from airflow_release_plugin.operators.candidate import fetched_tree
from airflow_release_plugin.operators.progress import ProgressTeller
from airflow_release_plugin.proof.findings import refusals, remarks
from airflow_release_plugin.schemas.release import MAX_DETAIL, ReportBody, WorkTreeResponse

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient
    from airflow_release_plugin.proof.observation import Confinement
    from airflow_release_plugin.proof.report import FileReport, ParseReport


_MOST_KEPT, _FEWEST_KEPT = 20000, 50
"""Touched files of each kind that a report keeps: of all DAG files together, but at least of one."""


class CheckReleaseOperator(PipelineOperator):
    """
    Parse the tree that the target would have, in a process of its own, and report what is in it.

    A file that cannot be imported, a file without DAGs and a DAG id that two files define fail the release,
    and then the task. The XCom is the list of DAG ids.

    :param release_id: number of the release; by default the one that the DAG run's conf names
    :param request_approval: open the approval when the check passes; turn it off when tests follow, and end
        them with :class:`~airflow_release_plugin.operators.promote.RequestApprovalOperator`
    """

    release_role: ClassVar[str] = TaskRole.CHECK.value

    def __init__(self, *, request_approval: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.request_approval = request_approval

    def step(self, client: ReleaseClient, release_id: int) -> list[str]:
        """Fetch, parse, report."""
        from airflow_release_plugin.operators.private_folders import private_folders
        from airflow_release_plugin.proof.limits import Limits
        from airflow_release_plugin.proof.runner import run_files

        work = client.get_work(release_id)
        teller = ProgressTeller(partial(client.tell_progress, release_id), attempt=work.attempt)
        with fetched_tree(client, release_id) as tree, teller:
            parsed = run_files(
                tree,
                work.dag_files,
                limits=Limits(work.start_timeout, work.file_timeout, work.timeout, work.memory_mb),
                bundle_name=work.environment,
                environment=parsing_environment(),
                last_runs=work.model_dump(include={"last_runs"})["last_runs"],
                private=private_folders(),
                readable=sorted(config.check_folders()),
                require_confinement=work.require_confinement,
                on_progress=partial(self._tell, teller),
            )
        body = self._report(work, parsed)
        self._send(client, release_id, body)
        problems = [f"{item.path}: {item.last_line}" for item in failed(body.items)]
        if problems:
            raise failed_for_good(f"Release {release_id} did not pass its check:", problems)
        self.log.info("Release %d: %d files parsed in %.1f s.", release_id, len(parsed.files), parsed.seconds)
        return list(parsed.dag_ids)

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

    def _report(self, work: WorkTreeResponse, parsed: ParseReport) -> ReportBody:
        deleted = [CheckItem("deleted", CheckStatus.PASSED, path) for path in work.deleted]
        return ReportBody(
            kind=ReportKind.CHECK,
            attempt=work.attempt,
            base_commit=work.base_commit,
            items=[*_file_items(parsed), *_duplicates(parsed), *deleted, _confinement(parsed)],
            request_approval=self.request_approval,
        )


def _file_items(parsed: ParseReport) -> list[CheckItem]:
    """An item for each file; the more there are, the less is kept of what each has touched."""
    most = max(_FEWEST_KEPT, _MOST_KEPT // max(1, len(parsed.files)))
    return [_file_item(file, parsed.confinement, most) for file in parsed.files]


def _file_item(file: FileReport, confinement: Confinement, most: int) -> CheckItem:
    facts = {
        "dags": [asdict(dag) for dag in file.dags],
        "references": asdict(file.references),
        "seconds": file.seconds,
        "observed": asdict(file.observed.shortened(most)),
    }
    refused = refusals(file)
    told = [*file.warnings, *remarks(file, confinement)]
    if not file.is_reached:
        status, lines = CheckStatus.WARNING, ["Not parsed: the time of the check was used up by other files."]
    elif file.error or refused:
        # What it read wrongly comes last, where the reason is looked for: it is mostly why it does not work.
        status, lines = CheckStatus.FAILED, [*told, file.error, *refused]
    elif not file.dags:
        status, lines = CheckStatus.FAILED, [*told, "The file defines no DAG."]
    else:
        status, lines = CheckStatus.WARNING if told else CheckStatus.PASSED, told
    return CheckItem("parse", status, file.path, "\n".join(filter(None, lines))[-MAX_DETAIL:], facts)


def _confinement(parsed: ParseReport) -> CheckItem:
    found = parsed.confinement
    status = CheckStatus.PASSED if found.is_whole else CheckStatus.WARNING
    facts = {"files": found.files, "network": found.network, "is_whole": found.is_whole}
    return CheckItem(CONFINEMENT, status, detail=found.sentence, facts=facts)


def _duplicates(parsed: ParseReport) -> Iterator[CheckItem]:
    for dag_id, paths in parsed.duplicates.items():
        yield CheckItem(
            "duplicate",
            CheckStatus.FAILED,
            path=paths[-1],
            detail=f"DAG id {dag_id!r} is defined in {' and in '.join(paths)}; rename one of them.",
            facts={"dag_id": dag_id, "paths": list(paths)},
        )
