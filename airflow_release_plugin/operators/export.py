"""Exporting DAGs for another installation, from a DAG."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.durable import appearing
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.release import ReleaseHook
from airflow_release_plugin.hooks.task import readable_failures, require_waited
from airflow_release_plugin.operators.base import ReleaseOperator
from airflow_release_plugin.schemas.export import ExportBody, ExportResponse

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient

_DONE = (ExportState.READY.value,)
_OVER = (ExportState.FAILED.value, ExportState.ERRORED.value, ExportState.EXPIRED.value, "missing")


class ExportDagsOperator(ReleaseOperator):
    """
    Have DAGs put into a signed bundle file; wait for it in the triggerer, and write it where ``file`` says.

    The XCom has ``export_id``, ``bundle_id`` (the base of a later incremental export), ``dag_ids``,
    ``sha256``, ``size`` and ``file``, which is empty when nothing was written.

    :param names: DAG ids in the target
    :param tag: every DAG that has it
    :param base_bundle_id: only what has changed since that bundle; without names or tag, all of that
    :param origin: ``target``, or ``source`` for what nobody approved; service users export from the target
    :param with_upstream: also the DAGs that these wait for or start
    :param file: path on the worker, with templates; its folder must exist. Empty leaves it on the server
    :param timeout: how long the server may take
    """

    template_fields: Sequence[str] = ("names", "tag", "base_bundle_id", "file")

    def __init__(
        self,
        *,
        names: Sequence[str] = (),
        tag: str = "",
        base_bundle_id: str = "",
        origin: str = ExportOrigin.TARGET.value,
        with_upstream: bool = False,
        file: str = "",
        timeout: timedelta = timedelta(hours=1),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.names = names
        self.tag = tag
        self.base_bundle_id = base_bundle_id
        self.origin = origin
        self.with_upstream = with_upstream
        self.file = file
        self.timeout = timeout

    def work(self, context: Context, client: ReleaseClient) -> Any:
        """Ask for the bundle, then wait without a worker."""
        from airflow_release_plugin.triggers.state import ReleaseStateTrigger

        names = [self.names] if isinstance(self.names, str) else list(self.names)
        asked = client.request_export(
            ExportBody(
                names=names,
                tag=self.tag,
                base_bundle_id=self.base_bundle_id,
                origin=ExportOrigin(self.origin),
                with_upstream=self.with_upstream,
            )
        )
        push_link(context, client.settings, f"transfers/?export={asked.id}")
        self.log.info("Export %d of %d Dags is %s.", asked.id, len(asked.dag_ids), asked.state.value)
        self.defer(
            trigger=ReleaseStateTrigger(
                subject=f"export:{asked.id}",
                targets=_DONE,
                refusals=_OVER,
                known=asked.state.value,
                release_conn_id=self.release_conn_id,
            ),
            method_name="fetch",
            kwargs={"export_id": asked.id},
            timeout=self.timeout,
        )

    def fetch(self, context: Context, event: dict[str, Any], export_id: int) -> dict[str, Any]:
        """Take what became of it, and the file."""
        require_waited(event)
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            made = client.get_export(export_id)
            if made.state is not ExportState.READY:
                raise AirflowFailException(f"Export {made.id} is {made.state.value}: {made.error}")
            for found in made.secrets:
                self.log.warning("%s:%d may hold a secret (%s)", found.path, found.line, found.kind)
            if self.file:
                self._write(client, made)
        return {
            "export_id": made.id,
            "bundle_id": made.bundle_id,
            "dag_ids": made.dag_ids,
            "sha256": made.file_sha256,
            "size": made.file_size,
            "file": self.file,
        }

    def _write(self, client: ReleaseClient, made: ExportResponse) -> None:
        with appearing(Path(self.file)) as stream:
            client.download_export(made.id, stream)
        self.log.info("Wrote %s (%s bytes, SHA-256 %s).", self.file, made.file_size, made.file_sha256)
