"""Proving an environment on a worker: whether what Airflow serves is what its code makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_release_plugin import config
from airflow_release_plugin.domain.release.environment_proof import wrong
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.task import as_list, failed_for_good
from airflow_release_plugin.operators.base import ReleaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient
    from airflow_release_plugin.proof.report import FileReport


class ProveEnvironmentOperator(ReleaseOperator):
    """
    Run every DAG file of an environment, confined and watched, and compare with what Airflow serves.

    They run in the tree that the environment is at. A DAG that is different, broken or missing fails the task
    with a sentence for each; one that is another one from run to run does not. The XCom has ``version``,
    ``files``, ``seconds``, and how many DAGs stand how: ``equal``, ``different``, ``broken``, ``missing``,
    ``unsteady``.

    :param environment: its name; by default the one that this installation releases to
    :param dag_ids: only these DAGs; all of them if left out
    :param jobs: processes at a time; 0 for one on each processor that the worker may use
    """

    template_fields: Sequence[str] = ("environment", "dag_ids")

    def __init__(
        self, *, environment: str = "", dag_ids: Sequence[str] | str = (), jobs: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.environment = environment
        self.dag_ids = dag_ids
        self.jobs = jobs

    def work(self, context: Context, client: ReleaseClient) -> dict[str, Any]:
        """Fetch, run, compare."""
        from airflow_release_plugin.operators.served_environment import ServedEnvironment
        from airflow_release_plugin.proof.environment import prove_environment
        from airflow_release_plugin.proof.here import own_limits, processors, running_here

        name = self.environment or config.environment()
        push_link(context, client.settings, "environment/")
        confined = config.require_confinement()
        with running_here(name, limits=own_limits(), require_confinement=confined) as run:
            proof = prove_environment(
                ServedEnvironment(client, name, conn_id=self.release_conn_id),
                run=run,
                jobs=self.jobs or processors(),
                dag_ids=as_list(self.dag_ids),
                on_file=self._tell,
            )
        self.log.info(
            "%s at %s: %d files in %.1f s. %s",
            name,
            proof.version,
            proof.files,
            proof.seconds,
            proof.confinement.sentence,
        )
        for dag in proof.dags:
            self.log.info("%s", dag.sentence)
        if found := wrong(proof.dags):
            message = f"{name} does not serve what its code makes: {len(found)} of {len(proof.dags)} Dags."
            raise failed_for_good(message, [dag.sentence for dag in found], "see the log")
        return {
            "version": proof.version,
            "files": proof.files,
            "seconds": proof.seconds,
            **proof.counts,
        }

    def _tell(self, report: FileReport, total: int) -> None:
        self.log.info("%s (of %d): %.2f s.", report.path, total, report.seconds)
