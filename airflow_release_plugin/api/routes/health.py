"""Whether the product can work. Open to everybody: no paths, no secrets, and no hosts for strangers."""

from __future__ import annotations

from fastapi import APIRouter, Response

from airflow_release_plugin.api.dependencies import KnownCallerDep
from airflow_release_plugin.schemas.watch import HealthReasonResponse, HealthResponse, SilentMachineResponse
from airflow_release_plugin.services.server import health

router = APIRouter(tags=["Health"])


@router.get("/health")
def get_health(response: Response, caller: KnownCallerDep) -> HealthResponse:
    """Healthy when the database answers; degraded when it works and should be looked at; else 503."""
    found = health.look()
    response.status_code = 503 if found.status == "unhealthy" else 200
    silent = found.silent if caller is not None else ()
    return HealthResponse(
        status=found.status,
        problems=list(found.problems),
        reasons=[HealthReasonResponse.model_validate(reason) for reason in found.reasons],
        machines=[SilentMachineResponse.model_validate(machine) for machine in silent],
    )
