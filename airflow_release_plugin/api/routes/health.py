"""Whether the product can work. Open to everybody, so it names no paths and no secrets."""

from __future__ import annotations

from fastapi import APIRouter, Response

from airflow_release_plugin.schemas.watch import HealthResponse
from airflow_release_plugin.services import health

router = APIRouter(tags=["Health"])


@router.get("/health")
def get_health(response: Response) -> HealthResponse:
    """Healthy when database and store answer; 503 otherwise."""
    problems = health.problems()
    response.status_code = 503 if problems else 200
    return HealthResponse(status="unhealthy" if problems else "healthy", problems=problems)
