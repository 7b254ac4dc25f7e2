from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.airflow_internals.conftest import Parse

pytestmark = pytest.mark.req("R75")

HEAD = """
import pendulum
from airflow.sdk import DAG, Asset, AssetAlias, AssetAll, AssetAny, asset, dag, get_parsing_context, task
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor

START = pendulum.datetime(2024, 1, 1)
ORDERS = Asset("orders", uri="s3://bucket/orders")
"""
DAILY = HEAD + "with DAG('etl', schedule='@daily', start_date=START):\n    EmptyOperator(task_id='one')\n"


def test_a_source_dag_gets_the_prefix_in_its_id_and_in_the_name_that_lists_show(parse: Parse) -> None:
    dag = parse(DAILY).dags["dev.etl"]

    assert (dag.dag_display_name, dag.task_dict["one"].dag_id) == ("dev.etl", "dev.etl")


def test_a_display_name_of_the_author_gets_the_prefix_too(parse: Parse) -> None:
    bag = parse(HEAD + "one = DAG('etl', dag_display_name='Orders')\n")

    assert bag.dags["dev.etl"].dag_display_name == "dev.Orders"


def test_dags_of_other_bundles_stay_as_they_are(parse: Parse) -> None:
    dag = parse(DAILY, bundle="prod").dags["etl"]

    assert dag.timetable.can_be_scheduled


def test_a_tree_that_is_parsed_for_a_check_stays_as_it_is(parse: Parse, tmp_path: Path) -> None:
    checked = tmp_path / "check"
    checked.mkdir()

    assert list(parse(DAILY, root=checked).dags) == ["etl"]


def test_a_bundle_inside_the_source_folder_stays_as_it_is(parse: Parse, bundles: dict[str, Path]) -> None:
    nested = bundles["dev"] / "team"
    nested.mkdir()

    assert list(parse(DAILY, root=nested).dags) == ["etl"]


def test_versions_that_are_checked_out_for_the_source_get_the_prefix(
    parse: Parse, bundles: dict[str, Path]
) -> None:
    version = bundles["storage"] / "dev" / "versions" / "0a1b2c" / "dags"
    version.mkdir(parents=True)

    assert list(parse(DAILY, root=version).dags) == ["dev.etl"]


def test_an_empty_prefix_changes_nothing(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_DAG_ID_PREFIX", "")

    dag = parse(DAILY).dags["etl"]

    assert dag.timetable.can_be_scheduled


def test_a_second_run_of_the_policy_changes_nothing(parse: Parse) -> None:
    from airflow import settings

    dag = parse(HEAD + "with DAG('etl'): EmptyOperator(task_id='one', outlets=[ORDERS])\n").dags["dev.etl"]

    settings.dag_policy(dag)

    assert (dag.dag_id, dag.task_dict["one"].outlets[0].name) == ("dev.etl", "dev.orders")


def test_an_id_that_begins_with_the_prefix_is_an_import_error_that_says_what_to_do(parse: Parse) -> None:
    bag = parse(HEAD + "one = DAG('dev.etl')\n")

    assert "Rename the DAG" in bag.import_errors["flow.py"]


def test_a_loop_of_dags_is_renamed_one_by_one(parse: Parse) -> None:
    bag = parse(HEAD + "for x in 'ab':\n    globals()[x] = DAG(f'loop_{x}', schedule=None)\n")

    assert sorted(bag.dags) == ["dev.loop_a", "dev.loop_b"]


def test_a_file_that_builds_only_the_wanted_dag_sees_the_id_that_it_wrote(
    parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "dev.loop_b")

    bag = parse(
        HEAD
        + "for x in 'ab':\n    if get_parsing_context().dag_id in (None, f'loop_{x}'):\n"
        + "        globals()[x] = DAG(f'loop_{x}', schedule=None)\n"
    )

    assert list(bag.dags) == ["dev.loop_b"]


class TestSchedule:
    @pytest.mark.parametrize(
        "schedule", ["'@daily'", "'*/5 * * * *'", "[ORDERS]", "ORDERS | AssetAlias('late')", "'@continuous'"]
    )
    def test_is_off(self, parse: Parse, schedule: str) -> None:
        code = f"one = DAG('etl', schedule={schedule}, start_date=START, max_active_runs=1)\n"

        dag = parse(HEAD + code).dags["dev.etl"]

        assert (dag.timetable.can_be_scheduled, dag.schedule, type(dag.timetable).__name__) == (
            False,
            None,
            "NullTimetable",
        )

    def test_is_kept_when_configured(self, parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_SCHEDULES", "True")

        assert parse(DAILY).dags["dev.etl"].timetable.can_be_scheduled

    def test_of_assets_follows_dev_copies_when_configured(
        self, parse: Parse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_SCHEDULES", "True")
        condition = (
            "AssetAny(AssetAll(ORDERS, Asset.ref(name='refunds')), Asset.ref(uri='x'), AssetAlias('late'))"
        )

        dag = parse(HEAD + f"one = DAG('etl', schedule={condition})\n").dags["dev.etl"]

        both, by_uri, alias = dag.timetable.asset_condition.objects
        names = [both.objects[0].name, both.objects[1].name, by_uri.uri, alias.name]
        assert names == ["dev.orders", "dev.refunds", "dev.x", "dev.late"]

    def test_that_only_allowed_scheduled_runs_does_not_forbid_trying_it_out(self, parse: Parse) -> None:
        code = "one = DAG('etl', schedule='@daily', start_date=START, allowed_run_types=['scheduled'])\n"

        assert parse(HEAD + code).dags["dev.etl"].allowed_run_types is None


class TestAssets:
    def test_of_a_task_are_those_of_the_dev_namespace(self, parse: Parse) -> None:
        code = (
            "with DAG('etl'): EmptyOperator(task_id='one', inlets=[ORDERS], outlets=[AssetAlias('late')])\n"
        )

        task = parse(HEAD + code).dags["dev.etl"].task_dict["one"]

        inlet, outlet = task.inlets[0], task.outlets[0]
        assert (inlet.name, inlet.uri, outlet.name) == ("dev.orders", "dev.s3://bucket/orders", "dev.late")

    def test_of_a_mapped_task_are_those_of_the_dev_namespace(self, parse: Parse) -> None:
        code = (
            "with DAG('etl'):\n    @task(outlets=[ORDERS])\n    def one(x): ...\n    one.expand(x=[1, 2])\n"
        )

        task = parse(HEAD + code).dags["dev.etl"].task_dict["one"]

        assert [outlet.name for outlet in task.partial_kwargs["outlets"]] == ["dev.orders"]

    def test_that_code_shares_are_not_changed(self, parse: Parse) -> None:
        code = "with DAG('etl', user_defined_macros={'orders': ORDERS}):\n"
        code += "    EmptyOperator(task_id='one', outlets=[ORDERS])\n"

        dag = parse(HEAD + code).dags["dev.etl"]

        assert dag.user_defined_macros["orders"].uri == "s3://bucket/orders"

    def test_made_by_decorated_functions_are_those_of_the_dev_namespace(self, parse: Parse) -> None:
        code = "@asset(schedule=None)\ndef table(self, orders): ...\n"

        task = parse(HEAD + code).dags["dev.table"].task_dict["table"]

        assert (task.outlets[0].name, task.inlets[0].name) == ("dev.table", "dev.orders")


def _references(task: Any) -> object:
    values = task.partial_kwargs if hasattr(task, "partial_kwargs") else task.__dict__
    return values.get("trigger_dag_id") or values.get("external_dag_id")


class TestReferences:
    @pytest.mark.parametrize(
        "operator",
        [
            "TriggerDagRunOperator(task_id='one', trigger_dag_id='load')",
            "ExternalTaskSensor(task_id='one', external_dag_id='load')",
            "ExternalTaskSensor(task_id='one', external_dag_id='load', deferrable=True)",
            "ExternalTaskMarker(task_id='one', external_dag_id='load', external_task_id='x')",
            "TriggerDagRunOperator.partial(task_id='one', trigger_dag_id='load').expand(conf=[{}])",
            "TriggerDagRunOperator(task_id='one', trigger_dag_id='dev.load')",
        ],
    )
    def test_go_to_the_dev_copy(self, parse: Parse, operator: str) -> None:
        dag = parse(HEAD + f"with DAG('etl'):\n    {operator}\n").dags["dev.etl"]

        assert _references(dag.task_dict["one"]) == "dev.load"

    def test_that_are_expanded_go_to_the_dev_copies(self, parse: Parse) -> None:
        operator = "TriggerDagRunOperator.partial(task_id='one').expand(trigger_dag_id=['a', 'b'])"

        dag = parse(HEAD + f"with DAG('etl'):\n    {operator}\n").dags["dev.etl"]

        assert dag.task_dict["one"].expand_input.value["trigger_dag_id"] == ["dev.a", "dev.b"]

    def test_to_dags_that_are_declared_external_are_left_alone(
        self, parse: Parse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_EXTERNAL_DAG_IDS", "shared_*, release_pipeline")
        code = "with DAG('etl'): ExternalTaskSensor(task_id='one', external_dag_id='shared_calendar')\n"

        assert _references(parse(HEAD + code).dags["dev.etl"].task_dict["one"]) == "shared_calendar"

    def test_show_up_as_dependencies_between_dev_copies(self, parse: Parse) -> None:
        from airflow.serialization.serialized_objects import LazyDeserializedDAG

        code = "with DAG('etl'): TriggerDagRunOperator(task_id='one', trigger_dag_id='load')\n"

        stored = LazyDeserializedDAG.from_dag(parse(HEAD + code).dags["dev.etl"])

        (dependency,) = stored.data["dag"]["dag_dependencies"]
        assert (dependency["source"], dependency["target"]) == ("dev.etl", "dev.load")


def test_what_airflow_stores_does_not_change_from_parse_to_parse(parse: Parse) -> None:
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    code = HEAD + (
        "with DAG('etl'):\n"
        "    EmptyOperator(task_id='one', outlets=[ORDERS])\n"
        "    TriggerDagRunOperator.partial(task_id='two', trigger_dag_id='{{ 1 }}').expand(conf=[{}])\n"
    )

    hashes = {LazyDeserializedDAG.from_dag(parse(code).dags["dev.etl"]).hash for _ in range(2)}

    assert len(hashes) == 1


def test_an_id_that_the_prefix_makes_too_long_is_named_with_its_prefix(parse: Parse) -> None:
    bag = parse(HEAD + f"one = DAG({'x' * 247!r})\n")

    (error,) = bag.import_errors.values()
    assert f"DAG id {'x' * 247!r} has 247 characters; with 'dev.', which marks dev copies" in error
    assert "Shorten the id to 246" in error


def test_the_longest_id_that_the_prefix_leaves_room_for_is_taken(parse: Parse) -> None:
    assert list(parse(HEAD + f"one = DAG({'x' * 246!r})\n").dags) == [f"dev.{'x' * 246}"]
