"""Target environments and the records of every DAG version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from airflow_release_plugin.api.dependencies import CallerDep, LimitQuery, OffsetQuery
from airflow_release_plugin.api.serializers.common import release_detail
from airflow_release_plugin.api.serializers.drift import hand_made_response
from airflow_release_plugin.api.serializers.pages import listed
from airflow_release_plugin.api.serializers.target_dags import target_dag_response
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.target_dags import ServingState, TargetDagFilter
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.environment import (
    AdoptDriftBody,
    DagVersionResponse,
    DriftResponse,
    EnvironmentResponse,
    HandMadeResponse,
    MirrorResponse,
    ServedDagsResponse,
    ServedTextResponse,
    TargetDagResponse,
    TargetHoldBody,
    TargetHoldResponse,
)
from airflow_release_plugin.schemas.release import ReleaseDetailResponse
from airflow_release_plugin.services.drift import adoption, drift
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.promotion import environments, target_dags
from airflow_release_plugin.services.read_models import drift_adoption, release_page
from airflow_release_plugin.services.releases import holds
from airflow_release_plugin.services.verification import served_dags

router = APIRouter(prefix="/environments", tags=["Environments"])


@router.get("")
def list_environments(caller: CallerDep) -> Collection[EnvironmentResponse]:
    """The environments of this installation."""
    with caller.transaction() as (ctx, actor):
        view = environments.get(ctx, actor=actor, name=ctx.settings.environment)
        return Collection(items=[EnvironmentResponse.model_validate(view)], total_entries=1)


@router.get("/{name}")
def get_environment(name: str, caller: CallerDep) -> EnvironmentResponse:
    """Where an environment stands."""
    with caller.transaction() as (ctx, actor):
        return EnvironmentResponse.model_validate(environments.get(ctx, actor=actor, name=name))


@router.post("/{name}/restore")
def restore(name: str, caller: CallerDep) -> EnvironmentResponse:
    """Put a branch that was moved by hand back to where the last promotion left it."""
    with caller.transaction() as (ctx, actor):
        return EnvironmentResponse.model_validate(environments.restore(ctx, actor=actor, name=name))


@router.post("/{name}/hold")
def set_hold(name: str, body: TargetHoldBody, caller: CallerDep) -> TargetHoldResponse:
    """Let nothing but rollbacks and what is excepted go to the environment, until the hold is lifted."""
    with caller.transaction() as (ctx, actor):
        hold = holds.set_hold(
            ctx,
            actor=actor,
            environment=name,
            reason=body.reason,
            ends_at=body.ends_at,
            excepted=body.excepted,
        )
        return TargetHoldResponse.model_validate(hold)


@router.delete("/{name}/hold", status_code=204)
def lift_hold(name: str, caller: CallerDep) -> None:
    """End the hold; what waits goes on."""
    with caller.transaction() as (ctx, actor):
        holds.lift(ctx, actor=actor, environment=name)


@router.get("/{name}/verify")
def verify(name: str, caller: CallerDep) -> DriftResponse:
    """Compare what this machine serves, the branch, its commits and the trail with what was approved."""
    with caller.transaction() as (ctx, actor):
        return DriftResponse.model_validate(drift.verify(ctx, actor=actor, name=name))


@router.post("/{name}/repair")
def repair(name: str, caller: CallerDep) -> DriftResponse:
    """Put the branch and the trees of this machine back, and compare again."""
    with caller.transaction() as (ctx, actor):
        return DriftResponse.model_validate(drift.repair(ctx, actor=actor, name=name))


@router.delete("/{name}/machines/{host}", status_code=204)
def forget_machine(name: str, host: str, caller: CallerDep) -> None:
    """Drop what a machine found that is gone and will never look again."""
    with caller.transaction() as (ctx, actor):
        drift.forget(ctx, actor=actor, name=name, host=host)


@router.get("/{name}/drift")
def hand_made(name: str, caller: CallerDep) -> HandMadeResponse:
    """What was changed by hand, and what adopting it would take; nothing is stored."""
    with caller.transaction() as (ctx, actor):
        return hand_made_response(drift_adoption.get_adoption(ctx, actor=actor, name=name))


@router.post("/{name}/drift/adopt", status_code=201)
def adopt_drift(name: str, body: AdoptDriftBody, caller: CallerDep) -> ReleaseDetailResponse:
    """Request what was changed by hand as an import that people approve, and repair the environment."""
    release_request = ReleaseRequest(title=body.title, reviewers=body.reviewers, description=body.description)
    with caller.transaction() as (ctx, actor):
        release = adoption.adopt(
            ctx, actor=actor, name=name, digest=body.digest, release_request=release_request
        )
        return release_detail(ctx, release_page.get_release(ctx, actor=actor, release_id=release.id))


@router.get("/{name}/mirror")
def mirror(name: str, caller: CallerDep) -> MirrorResponse:
    """How the git mirror stands."""
    with caller.transaction() as (ctx, actor):
        return MirrorResponse.model_validate(standing.require_status(ctx, actor=actor, name=name))


@router.post("/{name}/mirror/overwrite")
def overwrite_mirror(name: str, caller: CallerDep) -> MirrorResponse:
    """Give up what somebody else moved in the mirror, as it was seen; the next push moves it on."""
    with caller.transaction() as (ctx, actor):
        return MirrorResponse.model_validate(standing.overwrite(ctx, actor=actor, name=name))


@router.get("/{name}/served")
def list_served_dags(name: str, caller: CallerDep) -> ServedDagsResponse:
    """What Airflow serves of the environment, for whoever runs its code and compares."""
    with caller.transaction() as (ctx, actor):
        found = served_dags.get_served_dags(ctx, actor=actor, name=name)
        return ServedDagsResponse.model_validate(found)


@router.get("/{name}/served/{dag_id}")
def get_served_dag(name: str, dag_id: str, caller: CallerDep) -> ServedTextResponse:
    """A DAG as Airflow serves it."""
    with caller.transaction() as (ctx, actor):
        text = served_dags.get_served_text(ctx, actor=actor, name=name, dag_id=dag_id)
        return ServedTextResponse(text=text)


def _criteria(
    search: str = "", released_by: str = "", state: ServingState | None = None, drifted: bool = False
) -> TargetDagFilter:
    """What the query narrows the list of DAGs to."""
    return TargetDagFilter(search=search, released_by=released_by, state=state, drifted=drifted)


@router.get("/{name}/dags")
def list_target_dags(
    name: str,
    caller: CallerDep,
    criteria: Annotated[TargetDagFilter, Depends(_criteria)],
    order_by: str = "dag_id",
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
) -> Collection[TargetDagResponse]:
    """
    What the environment holds now, of the DAGs that the caller may read.

    ``search`` forgives typing errors in DAG ids, paths and numbers of releases.
    """
    with caller.transaction() as (ctx, actor):
        page = target_dags.list_target_dags(
            ctx,
            actor=actor,
            name=name,
            criteria=criteria,
            order_by=order_by,
            limit=limit,
            offset=offset,
        )
        items = [target_dag_response(dag) for dag in page.items]
        return listed(page, items)


@router.get("/{name}/dags/{dag_id}/history")
def dag_history(
    name: str, dag_id: str, caller: CallerDep, limit: LimitQuery = 50, offset: OffsetQuery = 0
) -> Collection[DagVersionResponse]:
    """Every version of a DAG, newest first."""
    with caller.transaction() as (ctx, actor):
        page = environments.dag_history(
            ctx, actor=actor, name=name, dag_id=dag_id, limit=limit, offset=offset
        )
        items = [DagVersionResponse.model_validate(row) for row in page.items]
        return listed(page, items)
