"""The Airflow plugin. Every Airflow process imports this module, task processes too: nothing heavy here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from threading import Event

    from fastapi import FastAPI

URL_PREFIX = "/release"


def root_path() -> str:
    """Path under which a proxy serves Airflow, without a slash at its end; empty for most installations."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


@cache
def fastapi_apps() -> list[dict[str, Any]]:
    """The REST API with the pages mounted into it; built when a server runs."""
    from airflow_release_plugin.api.late_app import LateApp

    return [{"app": LateApp(_build, _begin), "url_prefix": URL_PREFIX, "name": "Airflow Release"}]


def _build() -> FastAPI:
    from airflow_release_plugin.api.app import create_app
    from airflow_release_plugin.views.mount import create_ui

    app = create_app()
    app.mount("/ui", create_ui(root_path=root_path()), name="ui")
    return app


def _begin(stop: Event) -> None:
    from airflow_release_plugin.services.server import startup

    startup.begin(stop)


class _FastAPIApps:
    """Builds the list when it is read, not when the class is made."""

    def __get__(self, instance: AirflowPlugin | None, owner: type[AirflowPlugin]) -> list[dict[str, Any]]:
        return fastapi_apps()


def _external_views() -> list[dict[str, Any]]:
    base = f"{root_path()}{URL_PREFIX}/ui"
    shared = {
        "name": "Releases",
        "icon": f"{base}/static/icon-light.svg",
        "icon_dark_mode": f"{base}/static/icon-dark.svg",
    }
    return [
        {**shared, "href": f"{base}/", "destination": "nav", "url_route": "releases", "nav_top_level": True},
        {**shared, "href": f"{base}/dags/{{DAG_ID}}", "destination": "dag", "url_route": "dag-releases"},
    ]


class ReleasePlugin(AirflowPlugin):
    """Adds the pages and the REST API of releases to Airflow's API server."""

    name = "release"
    fastapi_apps = cast("list[Any]", _FastAPIApps())
    external_views = _external_views()
