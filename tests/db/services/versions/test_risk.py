"""What a release does, read from real checks of real files, and the level that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.risk import ChangeFact, RiskFacts
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import simulator
from airflow_release_plugin.services.releases import work
from airflow_release_plugin.services.versions import risk
from tests.harness.context import ADMIN, DEV, PIPELINE, World
from tests.harness.flow_forms import LEAD, form, join, level, step
from tests.harness.running import run_files
from tests.harness.work_trees import candidate_files

ETL = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Asset
from datetime import datetime
from helpers import load, store

START = datetime(2026, 1, 1)

with DAG(dag_id="etl", tags=["critical"], schedule="@daily", start_date=START, catchup=False):
    one = EmptyOperator(task_id="one", owner="ann", outlets=[Asset("orders")])
    two = PythonOperator(task_id="two", python_callable=load, retries=1)
    three = EmptyOperator(task_id="three", pool="small")
    four = TriggerDagRunOperator(task_id="four", trigger_dag_id="triggered")
    gone = EmptyOperator(task_id="gone")
    one >> two >> three
"""
CHANGED = """
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset
from datetime import datetime
from helpers import load, store

START = datetime(2026, 1, 1)

with DAG(dag_id="etl", tags=["sandbox"], schedule="@hourly", start_date=START, catchup=True):
    one = BashOperator(task_id="one", bash_command="true", owner="bob")
    two = PythonOperator(task_id="two", python_callable=store, retries=3)
    three = EmptyOperator(task_id="three", pool="large", queue="fast")
    new = EmptyOperator(task_id="new")
    two >> one >> three
"""
HELPERS = "def load():\n    pass\n\n\ndef store():\n    pass\n"
OTHERS = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, Asset
{imports}

with DAG(dag_id="{dag_id}", schedule={schedule}):
    {task}
"""


def parsed(path: str, **facts: Any) -> CheckItem:
    """A passed item of a report with the facts of one file."""
    return CheckItem("parse", CheckStatus.PASSED, path, facts=facts)


def dag_item(path: str, dag_id: str, **dag: Any) -> CheckItem:
    return parsed(path, dags=[{"dag_id": dag_id, **dag}], references={})


def checked(world: World, release: Release, folder: Path) -> Release:
    """Check a release as the worker does: parse its tree with Airflow, report what is in it."""
    tree = folder / f"tree{release.id}_{release.attempt}"
    for entry in candidate_files(world, release):
        (tree / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (tree / entry.path).write_bytes(world.store.read(entry.blob))
    task = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)
    report = run_files(tree, task.dag_files, bundle_name="prod")
    assert report.is_ok, [file.error for file in report.files]
    items = [
        parsed(f.path, dags=[asdict(dag) for dag in f.dags], references=asdict(f.references))
        for f in report.files
    ]
    return world.report(release, items)


def request(world: World, *paths: str, **options: Any) -> Release:
    return world.request(*[world.submit(path) for path in paths], **options)


def facts_of(world: World, release: Release) -> RiskFacts:
    return risk.facts_of(world.ctx, release)


def other(world: World, dag_id: str, task: str = 'EmptyOperator(task_id="x")', **more: str) -> str:
    """Put another DAG file into the source."""
    values = {"schedule": "None", "imports": "", **more}
    world.write(f"{dag_id}.py", OTHERS.format(dag_id=dag_id, task=task, **values))
    return f"{dag_id}.py"


@pytest.mark.req("R33")
def test_every_kind_of_change_is_found_in_real_files(world: World, tmp_path: Path) -> None:
    world.write("helpers.py", HELPERS)
    world.write("etl.py", ETL)
    waits = 'ExternalTaskSensor(task_id="x", external_dag_id="etl")'
    paths = [
        "etl.py",
        other(world, "consumer", schedule='[Asset("orders")]'),
        other(world, "waiter", waits),
        other(world, "sharer", imports="import helpers"),
        other(world, "triggered"),
        other(world, "bystander"),
    ]
    first = checked(world, request(world, *paths), tmp_path)
    assert facts_of(world, first).changes == {ChangeFact.NEW}
    world.promote(world.decide(first))

    world.write("helpers.py", HELPERS + "\n\nLIMIT = 3\n")
    world.write("etl.py", CHANGED)
    second = checked(world, request(world, "etl.py"), tmp_path)
    found = facts_of(world, second)

    others = {ChangeFact.NEW, ChangeFact.REMOVED, ChangeFact.ALSO_CHANGES, ChangeFact.UNKNOWN}
    assert found.changes == set(ChangeFact) - others
    assert found.impacted == ("consumer", "sharer", "triggered", "waiter")
    (dag,) = found.dags
    assert {"critical", "sandbox"} <= dag.tags
    assert {"ann", "bob"} <= dag.owners
    reasons = dict(found.reasons)
    assert reasons["pool"] == ("etl.three: pool small → large",)
    assert any("load → store" in reason for reason in reasons["operator"])
    assert any("EmptyOperator → BashOperator" in reason for reason in reasons["operator"])
    assert reasons["task_removed"] == ("etl.four", "etl.gone")
    assert found.lines > 10
    assert risk.recorded_facts(world.ctx, second) == found

    world.promote(world.decide(second))
    kept = simulator.of_release(world.ctx, actor=ADMIN, release_id=second.id).facts
    assert kept == found


def release_with(world: World, *items: Sequence[CheckItem], path: str = "etl.py") -> Release:
    """A released version with the first report's facts, then another one with the second's."""
    before, now = items
    world.dag("etl")
    world.promote(world.decide(world.report(request(world, path), before)))
    world.dag("etl", "import os")
    return world.report(request(world, path), now)


@pytest.mark.req("R33")
def test_a_report_without_facts_counts_as_any_change(world: World) -> None:
    join(world, LEAD)
    raw = form("L", level(), level(step("lead"), name="High", changes=["schedule"]))
    known = [dag_item("etl.py", "etl")]
    first = release_with(world, known, known)
    assert ChangeFact.UNKNOWN not in facts_of(world, first).changes

    flow_admin.create(world.ctx, actor=ADMIN, raw=raw)
    world.promote(world.decide(first))
    world.dag("etl", "import sys")
    release = world.report(request(world, "etl.py"))
    assert dict(facts_of(world, release).reasons)["unknown"] == ("etl.py now",)
    assert release.risk_json["changes"] == ["modified", "unknown"]
    assert simulator.of_release(world.ctx, actor=ADMIN, release_id=release.id).applies.level == 2


@pytest.mark.req("R33")
def test_what_the_file_did_before_is_unknown_too_when_nobody_reported_it(world: World) -> None:
    release = release_with(world, [parsed("etl.py")], [dag_item("etl.py", "etl")])

    assert dict(facts_of(world, release).reasons)["unknown"] == ("etl.py before",)


@pytest.mark.req("R33")
def test_taking_a_tag_or_owner_away_does_not_leave_the_scope(world: World) -> None:
    join(world, LEAD)
    flow_admin.create(
        world.ctx, actor=ADMIN, raw=form("Critical", level(step("lead", "op")), scope={"tags": ["critical"]})
    )
    release = release_with(
        world,
        [dag_item("etl.py", "etl", tags=["critical"], owners=["ann"])],
        [dag_item("etl.py", "etl", tags=[], owners=["bob"])],
    )

    assert simulator.of_release(world.ctx, actor=ADMIN, release_id=release.id).applies.flow.name == "Critical"
    (dag,) = facts_of(world, release).dags
    assert dag.owners >= {"ann", "bob"}


@pytest.mark.req("R33")
def test_who_waits_for_what_is_no_longer_produced_is_impacted(world: World) -> None:
    consumer = world.dag("consumer")
    items = [dag_item("consumer.py", "consumer", assets_in=["orders"])]
    world.promote(world.decide(world.report(request(world, consumer), items)))
    release = release_with(
        world,
        [dag_item("etl.py", "etl", assets_out=["orders"])],
        [dag_item("etl.py", "etl", assets_out=[])],
    )

    assert facts_of(world, release).impacted == ("consumer",)


@pytest.mark.parametrize(
    "facts",
    [
        {"dags": 5},
        {"dags": ["etl"]},
        {"dags": [{}]},
        {"dags": [{"dag_id": "etl", "tasks": 7}]},
        {"dags": [{"dag_id": "etl", "edges": [["a"]]}]},
        {"dags": [], "references": {"made_up": []}},
        {"dags": [], "references": {"pools": 5}},
    ],
)
def test_facts_that_cannot_be_read_are_refused_when_they_come(world: World, facts: dict[str, Any]) -> None:
    release = request(world, world.dag("etl"))

    with pytest.raises(InvalidRequestError, match="not readable"):
        world.report(release, [parsed("etl.py", **facts)])
    assert release.state is ReleaseState.CHECKING


def test_the_simulator_answers_for_a_dag_with_its_tags_in_source_and_target(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Critical", scope={"tags": ["critical"]}))
    world.dag("etl")
    tags = {"dev.etl": ("sandbox",), "etl": ("critical",)}
    monkeypatch.setattr(
        world.twin, "dag", lambda dag_id: DagFacts(dag_id, "etl.py", "any", tags=tags[dag_id])
    )

    assert simulator.of_dag(world.ctx, actor=DEV, dag_id="etl").applies.flow.name == "Critical"
