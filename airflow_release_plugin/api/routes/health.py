"""Whether the product can work. Open to everybody, so it names no paths and no secrets."""

from __future__ import annotations

from fastapi import APIRouter, Response

from airflow_release_plugin.schemas.watch import HealthResponse
from airflow_release_plugin.services.server import health

router = APIRouter(tags=["Health"])


@router.get("/health")
def get_health(response: Response) -> HealthResponse:
    """Healthy when database and store answer; degraded when it works and should be looked at; else 503."""
    problems = health.problems()
    is_working = health.HARMLESS.issuperset(problems)
    response.status_code = 200 if is_working else 503
    status = "unhealthy" if not is_working else "degraded" if problems else "healthy"
    return HealthResponse(status=status, problems=problems)
