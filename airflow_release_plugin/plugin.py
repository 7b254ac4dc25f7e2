"""The Airflow plugin. Every Airflow process imports this module, task processes too: nothing heavy here."""

from __future__ import annotations

from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

URL_PREFIX = "/release"


def root_path() -> str:
    """Path under which a proxy serves Airflow, without a slash at its end; empty for most installations."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


@cache
def fastapi_apps() -> list[dict[str, Any]]:
    """Build the REST API with the pages mounted into it; once, when the API server asks."""
    from airflow_release_plugin.api.app import create_app
    from airflow_release_plugin.services.server.startup import at_start
    from airflow_release_plugin.views.mount import create_ui

    app = create_app(lifespan=at_start)
    app.mount("/ui", create_ui(root_path=root_path()), name="ui")
    return [{"app": app, "url_prefix": URL_PREFIX, "name": "Airflow Release"}]


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
