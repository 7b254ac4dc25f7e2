"""What a check says about DAG files that Airflow would find no more, or for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, DISCOVERY, CheckItem, CheckStatus
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
        detail = (
            f"Airflow would find no DAG file in the target any more: {found.error}. Mend its .airflowignore, "
            "and submit it again."
        )
        yield CheckItem(DISCOVERY, CheckStatus.FAILED, detail=detail[:MAX_DETAIL])
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
    detail = f"Airflow would not find {path} in the target: {reason}. Change that, and submit it again."
    return CheckItem(DISCOVERY, CheckStatus.FAILED, path, detail)


def _other_hidden(path: str, reason: str, served: Sequence[str]) -> CheckItem:
    dag_ids = sorted(served)
    detail = (
        f"{path} is not in this release; with it, Airflow would not find that file any more, and "
        f"{', '.join(dag_ids) or 'its Dags'} would disappear: {reason}. Take that back, or release the "
        f"removal of {path} together with this."
    )
    return CheckItem(ALSO_CHANGES, CheckStatus.FAILED, path, detail, {"dag_ids": dag_ids, "different": []})


def _appeared(file: FileReport, brought: set[str], served: Served) -> CheckItem | None:
    """A file that makes DAGs, or that would be an import error; a module that does neither is none."""
    facts = {"dag_ids": list(file.dag_ids), "different": [], "appears": True}
    start = f"{file.path} is not a Dag file of this release; with it, Airflow would find that file"
    if file.error and file.path not in brought:
        reason = file.error.strip().splitlines()[-1]
        return CheckItem(
            ALSO_CHANGES, CheckStatus.WARNING, file.path, f"{start} and fail to import it: {reason}", facts
        )
    if not file.dag_ids:
        return None
    clashes = [
        f"{dag_id} is served from {path} already"
        for path, dag_ids in sorted(served.items())
        for dag_id in sorted({*dag_ids} & {*file.dag_ids})
        if path != file.path
    ]
    mend = f"Let .airflowignore hide it, or submit {file.path} for this release."
    text = f"{start}, and serve {', '.join(file.dag_ids)}"
    if clashes:
        detail = f"{text}, though {', '.join(clashes)}: the one that is parsed last would win. {mend}"
        return CheckItem(ALSO_CHANGES, CheckStatus.FAILED, file.path, detail[:MAX_DETAIL], facts)
    return CheckItem(ALSO_CHANGES, CheckStatus.WARNING, file.path, f"{text}. {mend}", facts)
