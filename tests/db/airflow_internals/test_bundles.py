"""Bundles as configured, and the standing of their DAGs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.bundles import AirflowBundles
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError, SourceUnavailableError
from tests.db.airflow_internals.conftest import Parse

pytestmark = [
    pytest.mark.req("R21"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
]
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
RELEASES = "airflow_release_plugin.bundles.release.ReleaseDagBundle"


@pytest.fixture
def bundles(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AirflowBundles:
    """Three configured bundles, of which ``live`` reads the folder of these tests."""
    configured = [
        {"name": "live", "classpath": LOCAL, "kwargs": {"path": str(folder)}},
        {"name": "gone", "classpath": LOCAL, "kwargs": {"path": str(folder / "gone")}},
        {"name": "target", "classpath": RELEASES, "kwargs": {}},
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))
    return AirflowBundles(session)


def test_a_bundle_is_found_by_its_name_and_by_its_folder(
    bundles: AirflowBundles, folder: Path, write: Callable[..., None], tmp_path: Path
) -> None:
    write("team/etl.py", "etl")
    (tmp_path / "link").symlink_to(folder)

    for wanted in ("live", str(folder), f"{folder}/", str(tmp_path / "link")):
        found = bundles.folder(wanted)
        assert (found.name, found.root, found.dag_files) == ("live", folder, ("team/etl.py",))


def test_a_folder_that_no_bundle_reads_is_not_found(bundles: AirflowBundles, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone, live, target"):
        bundles.folder(str(tmp_path))


def test_a_bundle_whose_folder_is_missing_is_unavailable(bundles: AirflowBundles) -> None:
    with pytest.raises(SourceUnavailableError, match="does not exist"):
        bundles.folder("gone")


def test_links_in_a_circle_are_said(bundles: AirflowBundles, folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "again").symlink_to(folder / "a")

    with pytest.raises(SourceUnavailableError, match="cannot be listed"):
        bundles.folder("live")


def test_a_bundle_that_serves_releases_is_refused(bundles: AirflowBundles) -> None:
    assert bundles.plain() == ("gone", "live")
    with pytest.raises(InvalidRequestError, match="one of Airflow Release itself"):
        bundles.folder("target")


@pytest.mark.req("R77")
def test_the_folders_of_an_environment_are_those_of_the_bundle_that_serves_it(
    bundles: AirflowBundles,
) -> None:
    found = bundles.serving_folders("target")

    assert found is not None
    assert {found.current.parent, found.tracking.parent} == {found.base}
    assert bundles.serving_folders("staging") is None


def test_standings_tell_bundle_pause_schedule_and_runs(
    bundles: AirflowBundles, session: Session, write: Callable[..., None], parse: Parse
) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType

    write("etl.py", "etl")
    write("other.py", "other")
    parse(bundle="live")
    dag = session.get_one(DagModel, "etl")
    session.get_one(DagModel, "other").is_paused = False

    def run(day: int, kind: DagRunType = DagRunType.SCHEDULED) -> None:
        at = datetime(2026, 1, day, tzinfo=timezone.utc)
        session.add(
            DagRun(
                dag_id="etl",
                run_id=f"{kind.value}__{day}",
                run_type=kind,
                state=DagRunState.SUCCESS,
                logical_date=at,
                run_after=at,
            )
        )
        session.flush()

    run(1)
    run(2, DagRunType.MANUAL)
    newest = bundles.newest_run()
    run(4)
    run(3, DagRunType.MANUAL)

    found = bundles.standings(["etl", "other", "unknown"], up_to_run=newest)

    assert sorted(found) == ["etl", "other"]
    etl = found["etl"]
    assert (etl.bundle, etl.active, etl.paused, etl.schedule, etl.runs) == (
        "live",
        True,
        True,
        "0 0 * * *",
        2,
    )
    assert etl.first_new_run is not None
    assert etl.first_new_run.day == 4
    assert etl.next_run == dag.next_dagrun
    assert (found["other"].paused, found["other"].runs, found["other"].first_new_run) == (False, 0, None)


def test_no_dag_has_no_runs(bundles: AirflowBundles) -> None:
    assert bundles.newest_run() == 0
    assert bundles.standings([], up_to_run=0) == {}


def test_the_number_of_queries_does_not_grow_with_the_dags(bundles: AirflowBundles, session: Session) -> None:
    asked: list[str] = []
    event.listen(session.connection(), "before_cursor_execute", lambda *args: asked.append(args[2]))

    bundles.standings([f"dag_{number}" for number in range(500)], up_to_run=0)

    assert len(asked) == 3
