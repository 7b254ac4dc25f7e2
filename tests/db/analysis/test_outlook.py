"""Outlooks are computed by the process of the check, with the timetables of the installed Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.analysis.outlook import MOST_DUE, Outlook
from airflow_release_plugin.analysis.parse_check import check_tree

HEAD = """
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, Asset
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.timetables.assets import AssetOrTimeSchedule
DAILY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
HOURLY = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
TICKS = CronTriggerTimetable("0 0 * * *", timezone="UTC")
midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
ago = lambda days: midnight - timedelta(days=days)
"""
DAGS = {
    "catching_up": "schedule=DAILY, start_date=ago(5), catchup=True",
    "latest_only": "schedule=DAILY, start_date=ago(5), catchup=False",
    "trigger_cron": 'schedule="@daily", start_date=ago(5), catchup=True',
    "endless": 'schedule="* * * * *", start_date=ago(30), catchup=True',
    "by_hand": "schedule=None, start_date=ago(5), catchup=True",
    "by_asset": 'schedule=[Asset("in")], start_date=ago(5), catchup=True',
    "asset_or_time": 'schedule=AssetOrTimeSchedule(timetable=TICKS, assets=[Asset("in")]), start_date=ago(5),'
    " catchup=True",
    "once": 'schedule="@once", start_date=ago(5)',
    "ahead": "schedule=DAILY, start_date=ago(-3), catchup=True",
    "over": "schedule=DAILY, start_date=ago(9), end_date=ago(7), catchup=True",
    "always": 'schedule="@continuous", start_date=ago(5), max_active_runs=1',
    "went_on": "schedule=DAILY, start_date=ago(9), catchup=True",
    "hourly_now": "schedule=HOURLY, start_date=ago(9), catchup=True",
    "not_asked": "schedule=DAILY, start_date=ago(5), catchup=True",
}


def midnight(days: int) -> datetime:
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days)


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def ran(days: int) -> dict[str, str]:
    """The run of the day that ended so many days ago."""
    end, start = text(midnight(days)), text(midnight(days + 1))
    return {"run_after": end, "interval_start": start, "interval_end": end}


LAST_RUNS: dict[str, Mapping[str, str] | None] = {name: None for name in DAGS if name != "not_asked"} | {
    "went_on": ran(2),
    "hourly_now": ran(0),
}


@pytest.fixture(scope="module")
def outlooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outlook | None]:
    tree = tmp_path_factory.mktemp("tree")
    for name, arguments in DAGS.items():
        Path(tree, f"{name}.py").write_text(f"{HEAD}\nwith DAG('{name}', {arguments}):\n    pass\n")
    report = check_tree(tree, [f"{name}.py" for name in DAGS], timeout=120, last_runs=LAST_RUNS)
    assert report.is_ok, [file.error for file in report.files if file.error]
    return {dag.dag_id: dag.outlook for file in report.files for dag in file.dags}


@pytest.mark.req("R20")
@pytest.mark.parametrize(
    ("dag_id", "due"),
    [
        ("catching_up", 5),
        ("latest_only", 1),
        ("trigger_cron", 6),
        ("endless", MOST_DUE),
        ("by_hand", 0),
        ("by_asset", 0),
        ("asset_or_time", 6),
        ("once", 1),
        ("ahead", 0),
        ("over", 3),
        ("always", 0),
        ("went_on", 2),
    ],
)
def test_runs_that_are_due_are_counted_up_to_now(
    outlooks: dict[str, Outlook | None], dag_id: str, due: int
) -> None:
    found = outlooks[dag_id]

    assert found is not None
    assert found.due == due


@pytest.mark.req("R20")
def test_the_first_run_comes_with_its_data_interval(outlooks: dict[str, Outlook | None]) -> None:
    assert outlooks["catching_up"] == Outlook(
        run_after=text(midnight(4)),
        interval_start=text(midnight(5)),
        interval_end=text(midnight(4)),
        due=5,
    )
    latest = outlooks["latest_only"]
    assert latest is not None
    assert latest.interval_start == text(midnight(1))


@pytest.mark.req("R20")
def test_the_last_automated_run_is_where_the_scheduler_goes_on(
    outlooks: dict[str, Outlook | None],
) -> None:
    went_on, hourly = outlooks["went_on"], outlooks["hourly_now"]

    assert went_on is not None
    assert went_on.interval_start == text(midnight(2))
    assert hourly is not None
    assert (hourly.interval_start, hourly.due) == (text(midnight(0)), datetime.now(timezone.utc).hour)


@pytest.mark.req("R20")
def test_a_dag_that_no_schedule_starts_has_no_next_run(outlooks: dict[str, Outlook | None]) -> None:
    assert outlooks["by_hand"] == outlooks["by_asset"] == Outlook()


def test_dags_that_are_not_released_are_not_looked_at(outlooks: dict[str, Outlook | None]) -> None:
    assert outlooks["not_asked"] is None
