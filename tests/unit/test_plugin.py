from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "flask",
    "flask_appbuilder",
    "a2wsgi",
    "dulwich",
    "airflow_release_plugin.views",
    "airflow_release_plugin.api",
)


def test_importing_the_plugin_loads_no_web_framework() -> None:
    code = (
        "import sys; from airflow_release_plugin.plugin import ReleasePlugin; ReleasePlugin(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_the_nav_entry_and_the_dag_tab_have_routes_of_their_own() -> None:
    from airflow_release_plugin.plugin import ReleasePlugin

    views = ReleasePlugin.external_views
    assert [view["destination"] for view in views] == ["nav", "dag"]
    assert len({view["url_route"] for view in views}) == 2
    assert views[1]["href"].endswith("/release/ui/dags/{DAG_ID}")


def test_it_listens_to_nothing_since_airflow_would_refuse_dags_that_end_from_their_trigger() -> None:
    from airflow_release_plugin.plugin import ReleasePlugin

    assert ReleasePlugin.listeners == []
