"""The to-be-released list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.messages import Message
from airflow_release_plugin.schemas.candidate import CandidateResponse, ClosureResponse
from airflow_release_plugin.schemas.common import Collection, FileResponse
from airflow_release_plugin.services.submissions import candidates

router = APIRouter(prefix="/candidates", tags=["Candidates"])


@router.get("")
def list_candidates(
    caller: CallerDep,
    search: str = "",
    change: ChangeKind | None = None,
    submitter: str = "",
    tag: str = "",
    submitted: bool | None = None,
    without_dags: bool = False,
    order_by: str = "",
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Collection[CandidateResponse]:
    """DAG files of the source that differ from the target or wait in the list; one row for each file."""
    criteria = candidates.CandidateFilter(search, change, submitter, tag, submitted, without_dags)
    with caller.transaction() as (ctx, actor):
        page = candidates.list_candidates(
            ctx, actor=actor, wanted=criteria, order_by=order_by, limit=limit, offset=offset
        )
        items = [CandidateResponse.model_validate(row) for row in page.items]
        return listed(page, items)


def _unresolved(closure: Closure) -> list[str]:
    return [Message("not found: %(name)s", name=name) for name in closure.unresolved]


@router.get("/closure")
def closure(caller: CallerDep, path: Annotated[str, Query(min_length=1, max_length=1000)]) -> ClosureResponse:
    """What would be submitted for one DAG file now, file by file."""
    with caller.transaction() as (ctx, actor):
        unit_closure = candidates.closure_of(ctx, actor=actor, path=path)
        return ClosureResponse(
            path=path,
            digest=unit_closure.digest,
            files=[FileResponse.model_validate(file) for file in unit_closure.files],
            external=list(unit_closure.external),
            warnings=[*unit_closure.warnings, *_unresolved(unit_closure)],
            is_complete=unit_closure.is_complete,
        )
