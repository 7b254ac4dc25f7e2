"""What a check says about DAG files that Airflow would find no more, or for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, DISCOVERY, CheckItem, CheckStatus
from airflow_release_plugin.messages import Message, shortened
from airflow_release_plugin.schemas.work import MAX_DETAIL

if TYPE_CHECKING:
    from airflow_release_plugin.proof.proving import Proof, Provable
    from airflow_release_plugin.proof.report import FileReport

Served = Mapping[str, Sequence[str]]
"""DAG ids by DAG file."""


def discovery_items(proof: Proof, units: Sequence[Provable], served: Served) -> Iterator[CheckItem]:
    """
    DAG files that a release hides or shows.

    :param served: what the target holds
    """
    found = proof.discovery
    if found.error:
        detail = Message(
            "Airflow would find no DAG file in the target any more: %(error)s. Mend its .airflowignore, and "
            "submit it again.",
            error=found.error,
        )
        yield CheckItem(DISCOVERY, CheckStatus.FAILED, detail=shortened(detail, MAX_DETAIL))
    own = {unit.path for unit in units}
    makes_dags = {file.path for file in proof.candidate.files if file.dag_ids}
    for path, reason in found.hidden:
        if path in served and path not in own:
            yield _other_hidden(path, reason, served[path])
        elif path in makes_dags:
            yield _own_hidden(path, reason)
    brought = {path for unit in units for path in unit.files}
    for file in proof.candidate.files:
        if file.path in found.appeared and (item := _appeared(file, brought, served)) is not None:
            yield item


def _own_hidden(path: str, reason: str) -> CheckItem:
    detail = Message(
        "Airflow would not find %(path)s in the target: %(reason)s. Change that, and submit it again.",
        path=path,
        reason=reason,
    )
    return CheckItem(DISCOVERY, CheckStatus.FAILED, path, detail)


def _other_hidden(path: str, reason: str, served: Sequence[str]) -> CheckItem:
    dag_ids = sorted(served)
    detail = Message(
        "%(path)s is not in this release; with it, Airflow would not find that file any more, and "
        "%(dag_ids)s would disappear: %(reason)s. Take that back, or release the removal of %(path)s "
        "together with this.",
        path=path,
        dag_ids=dag_ids or Message("its Dags"),
        reason=reason,
    )
    return CheckItem(ALSO_CHANGES, CheckStatus.FAILED, path, detail, {"dag_ids": dag_ids, "different": []})


def _appeared(file: FileReport, brought: set[str], served: Served) -> CheckItem | None:
    """A file that makes DAGs, or that would be an import error; a module that does neither is none."""
    facts = {"dag_ids": list(file.dag_ids), "different": [], "appears": True}
    if file.error and file.path not in brought:
        detail = Message(
            "%(path)s is not a Dag file of this release; with it, Airflow would find that file and fail to "
            "import it: %(reason)s",
            path=file.path,
            reason=file.reason,
        )
        return CheckItem(ALSO_CHANGES, CheckStatus.WARNING, file.path, detail, facts)
    if not file.dag_ids:
        return None
    clashes = [
        Message("%(dag_id)s is served from %(path)s already", dag_id=dag_id, path=path)
        for path, dag_ids in sorted(served.items())
        for dag_id in sorted({*dag_ids} & {*file.dag_ids})
        if path != file.path
    ]
    if clashes:
        detail = Message(
            "%(path)s is not a Dag file of this release; with it, Airflow would find that file, and serve "
            "%(dag_ids)s, though %(clashes)s: the one that is parsed last would win. Let .airflowignore "
            "hide it, or submit %(path)s for this release.",
            path=file.path,
            dag_ids=file.dag_ids,
            clashes=clashes,
        )
        return CheckItem(ALSO_CHANGES, CheckStatus.FAILED, file.path, shortened(detail, MAX_DETAIL), facts)
    detail = Message(
        "%(path)s is not a Dag file of this release; with it, Airflow would find that file, and serve "
        "%(dag_ids)s. Let .airflowignore hide it, or submit %(path)s for this release.",
        path=file.path,
        dag_ids=file.dag_ids,
    )
    return CheckItem(ALSO_CHANGES, CheckStatus.WARNING, file.path, detail, facts)
