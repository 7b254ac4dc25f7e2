"""Puts the API together. Nothing happens at import."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from airflow_release_plugin import __version__
from airflow_release_plugin.airflow_internals import traces
from airflow_release_plugin.api.dependencies import refuse_nul
from airflow_release_plugin.api.errors import ERRORS, add_error_handlers
from airflow_release_plugin.api.language import SpeakToCaller
from airflow_release_plugin.api.routes import (
    candidates,
    deputies,
    discussion,
    emergencies,
    environments,
    events,
    exports,
    flows,
    gates,
    health,
    imports,
    insights,
    me,
    notices,
    releases,
    rollbacks,
    shared_files,
    submissions,
    versions,
    watch,
)
from airflow_release_plugin.api.tracing import TraceRequests

API_PREFIX = "/api/v1"
_ROUTES = (
    me,
    notices,
    candidates,
    shared_files,
    submissions,
    releases,
    discussion,
    emergencies,
    rollbacks,
    environments,
    versions,
    gates,
    flows,
    deputies,
    events,
    watch,
    exports,
    imports,
    insights,
)


def create_app() -> FastAPI:
    """The API without the pages; mounted by the plugin at ``/release``."""
    app = FastAPI(
        title="Airflow Release",
        version=__version__,
        description="Release management for Apache Airflow: what runs, who agreed, and how it got there.",
        docs_url=f"{API_PREFIX}/docs",
        openapi_url=f"{API_PREFIX}/openapi.json",
        redoc_url=None,
    )
    app.add_middleware(SpeakToCaller)
    if traces.are_sent():
        app.add_middleware(TraceRequests, prefix=API_PREFIX)
    add_error_handlers(app)
    for module in _ROUTES:
        app.include_router(
            module.router, prefix=API_PREFIX, responses=ERRORS, dependencies=[Depends(refuse_nul)]
        )
    app.include_router(health.router, prefix=API_PREFIX)
    return app
