"""Outlooks are computed by the process of the check, with the timetables of the installed Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from airflow_release_plugin.analysis.outlook import MOST_DUE, Outlook
from tests.harness.running import run_files

HEAD = """
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, Asset
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.timetables.assets import AssetOrTimeSchedule
DAILY = CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
HOURLY = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
TICKS = CronTriggerTimetable("0 0 * * *", timezone="UTC")
ago = lambda days: datetime.fromisoformat("{midnight}") - timedelta(days=days)
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


@dataclass(frozen=True)
class Looked:
    """What the check said of each DAG, and the full hour, in UTC, in which it looked."""

    outlooks: dict[str, Outlook | None]
    hour: datetime

    def midnight(self, days: int) -> str:
        """The midnight so many days ago."""
        return (self.hour.replace(hour=0) - timedelta(days=days)).isoformat(timespec="seconds")


def this_hour() -> datetime:
    return datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)


def look(tree: Path) -> Looked:
    now = Looked({}, this_hour())

    def ran(days: int) -> dict[str, str]:
        """The run of the day that ended so many days ago."""
        end, start = now.midnight(days), now.midnight(days + 1)
        return {"run_after": end, "interval_start": start, "interval_end": end}

    last_runs: dict[str, Mapping[str, str] | None] = dict.fromkeys(DAGS.keys() - {"not_asked"})
    last_runs |= {"went_on": ran(2), "hourly_now": ran(0)}
    head = HEAD.replace("{midnight}", now.midnight(0))
    for name, arguments in DAGS.items():
        Path(tree, f"{name}.py").write_text(f"{head}\nwith DAG('{name}', {arguments}):\n    pass\n")
    report = run_files(tree, [f"{name}.py" for name in DAGS], last_runs=last_runs)
    assert report.is_ok, [file.error for file in report.files if file.error]
    now.outlooks.update({dag.dag_id: dag.outlook for file in report.files for dag in file.dags})
    return now


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    found = look(tmp_path_factory.mktemp("tree"))
    # The check has the clock of the machine: what it said while an hour began means nothing.
    return found if found.hour == this_hour() else look(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def outlooks(looked: Looked) -> dict[str, Outlook | None]:
    return looked.outlooks


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
def test_the_first_run_comes_with_its_data_interval(looked: Looked) -> None:
    assert looked.outlooks["catching_up"] == Outlook(
        run_after=looked.midnight(4),
        interval_start=looked.midnight(5),
        interval_end=looked.midnight(4),
        due=5,
    )
    latest = looked.outlooks["latest_only"]
    assert latest is not None
    assert latest.interval_start == looked.midnight(1)


@pytest.mark.req("R20")
def test_the_last_automated_run_is_where_the_scheduler_goes_on(looked: Looked) -> None:
    went_on, hourly = looked.outlooks["went_on"], looked.outlooks["hourly_now"]

    assert went_on is not None
    assert went_on.interval_start == looked.midnight(2)
    assert hourly is not None
    assert (hourly.interval_start, hourly.due) == (looked.midnight(0), looked.hour.hour)


@pytest.mark.req("R20")
def test_a_dag_that_no_schedule_starts_has_no_next_run(outlooks: dict[str, Outlook | None]) -> None:
    assert outlooks["by_hand"] == outlooks["by_asset"] == Outlook()


def test_dags_that_are_not_released_are_not_looked_at(outlooks: dict[str, Outlook | None]) -> None:
    assert outlooks["not_asked"] is None
