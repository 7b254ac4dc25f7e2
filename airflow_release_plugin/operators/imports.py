"""Importing the bundle of another installation, from a DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.preflight import Severity
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ImportBlockedError
from airflow_release_plugin.hooks.links import push_link
from airflow_release_plugin.hooks.release import ReleaseHook
from airflow_release_plugin.hooks.task import as_list, failed_for_good, readable_failures, require_waited
from airflow_release_plugin.operators.base import ReleaseOperator
from airflow_release_plugin.schemas.imports import ImportApplyBody, ImportCheckBody, ImportResponse

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_release_plugin.client.release import ReleaseClient

_DONE = (ImportState.APPLIED.value,)
_OVER = (ImportState.CHECKED.value, ImportState.FAILED.value, ImportState.DISCARDED.value, "missing")


class ImportDagsOperator(ReleaseOperator):
    """
    Bring a bundle file of another installation here, check it, and have it applied.

    An upload that broke off is gone on with when the task runs again; a file that was applied before is not
    applied again. If something blocks it, the task fails with the reasons and the import waits for people.
    The wait until it is applied is the triggerer's. The connection has to be that of a release admin, who is
    no service user; whoever writes DAGs can use it, so it is not for every installation.

    The XCom has ``import_id``, ``bundle_id``, ``signer``, ``dag_ids`` and ``release_id``, which is ``None``
    unless ``mode`` is ``release`` or ``record``.

    :param file: path of the bundle on the worker
    :param folder: where DAG files go that were never here
    :param names: what things are called here, ``{"connection": {"there": "here"}, …}``, also of kind
        ``variable``, ``pool`` and ``queue``; those of the last import from there if left out
    :param take_over: whether DAGs that were made here may become those of the bundle
    :param mode: ``submit``: its versions wait in the to-be-released list; ``release``: people are asked to
        approve them at once; ``record``: the approvals that it carries count, where that is configured
    :param reviewers: who is asked, for ``release``
    :param title: of the release; made from the names of the DAGs if empty
    :param timeout: how long the server may take to apply it
    """

    template_fields: Sequence[str] = ("file", "folder", "names", "reviewers", "title")

    def __init__(
        self,
        *,
        file: str,
        folder: str = "",
        names: Mapping[str, Mapping[str, str]] | None = None,
        take_over: bool = False,
        mode: str = ImportMode.SUBMIT.value,
        reviewers: Sequence[str] = (),
        title: str = "",
        timeout: timedelta = timedelta(hours=1),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.folder = folder
        self.names = names
        self.take_over = take_over
        self.mode = mode
        self.reviewers = reviewers
        self.title = title
        self.timeout = timeout

    def work(self, context: Context, client: ReleaseClient) -> Any:
        """Upload, check, ask for it to be applied; then wait without a worker."""
        row = self._upload(client)
        push_link(context, client.settings, f"transfers/imports/{row.id}")
        if row.state is ImportState.APPLIED:
            self.log.info("The bundle %s was applied before, as import %d.", row.bundle_id, row.id)
            return _facts(row)
        if row.state is not ImportState.APPLYING:
            row = self._ask(client, row)
        return self._wait(row)

    def _upload(self, client: ReleaseClient) -> ImportResponse:
        path = Path(self.file)
        with path.open("rb") as stream:
            return client.upload_import(
                stream,
                path.name,
                progress=lambda done, size: self.log.info("Uploaded %d of %d bytes.", done, size),
            )

    def _ask(self, client: ReleaseClient, row: ImportResponse) -> ImportResponse:
        names = None if self.names is None else {kind: dict(pairs) for kind, pairs in self.names.items()}
        checked = client.check_import(
            row.id, ImportCheckBody(folder=self.folder, names=names, take_over=self.take_over)
        )
        for line in _lines(checked, Severity.WARN):
            self.log.warning("%s", line)
        body = ImportApplyBody(mode=self.mode, reviewers=as_list(self.reviewers or ()), title=self.title)
        try:
            return client.apply_import(row.id, body)
        except ImportBlockedError as error:
            blocked = _lines(client.get_import(row.id), Severity.BLOCK)
            raise failed_for_good(error.message, blocked) from error

    def _wait(self, row: ImportResponse) -> None:
        from airflow_release_plugin.triggers.state import ReleaseStateTrigger

        self.defer(
            trigger=ReleaseStateTrigger(
                subject=f"import:{row.id}",
                targets=_DONE,
                refusals=_OVER,
                known=ImportState.APPLYING.value,
                release_conn_id=self.release_conn_id,
            ),
            method_name="applied",
            kwargs={"import_id": row.id},
            timeout=self.timeout,
        )

    def applied(self, context: Context, event: dict[str, Any], import_id: int) -> dict[str, Any]:
        """Take what became of it."""
        require_waited(event)
        with readable_failures(), ReleaseHook(self.release_conn_id).get_conn() as client:
            row = client.get_import(import_id)
        if row.state is not ImportState.APPLIED:
            raise AirflowFailException(f"Import {row.id} was not applied: {row.error or row.state.value}")
        return _facts(row)


def _facts(row: ImportResponse) -> dict[str, Any]:
    return {
        "import_id": row.id,
        "bundle_id": row.bundle_id,
        "signer": row.signer,
        "dag_ids": row.dag_ids,
        "release_id": row.release_id,
    }


def _lines(row: ImportResponse, severity: Severity) -> list[str]:
    return [
        f"{each.reason.value}: {item.name}" + (f" ({item.detail})" if item.detail else "")
        for each in row.preflight
        if each.severity is severity
        for item in each.items
    ]
