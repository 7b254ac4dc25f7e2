from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias

from airflow_release_plugin.airflow_internals.namespace import Namespace
from airflow_release_plugin.airflow_internals.namespace_runtime import NamespaceGuard

pytestmark = pytest.mark.req("R75")
ORDERS = Asset("orders", uri="s3://bucket/orders")
DEV = Namespace("dev.", frozenset({"shared"}))


def context_of(task: object, **extra: Any) -> dict[str, Any]:
    return {"ti": SimpleNamespace(task=task), **extra}


@pytest.mark.parametrize(
    ("rendered", "used"), [("load", "dev.load"), ("dev.load", "dev.load"), ("shared", "shared")]
)
def test_a_reference_that_was_rendered_goes_to_the_dev_copy(rendered: str, used: str) -> None:
    task = SimpleNamespace(trigger_dag_id=rendered)

    NamespaceGuard(DEV)(context_of(task))

    assert task.trigger_dag_id == used


def test_events_for_an_asset_are_for_its_dev_copy() -> None:
    context = context_of(SimpleNamespace())
    NamespaceGuard(DEV)(context)

    context["outlet_events"][ORDERS].extra = {"rows": 3}

    (key,) = context["outlet_events"]
    assert (key.name, key.uri, context["outlet_events"][key].extra) == (
        "dev.orders",
        "dev.s3://bucket/orders",
        {"rows": 3},
    )


def test_an_asset_that_a_task_adds_to_an_alias_is_a_dev_copy() -> None:
    context = context_of(SimpleNamespace())
    NamespaceGuard(DEV)(context)

    context["outlet_events"][AssetAlias("late")].add(ORDERS)

    (event,) = context["outlet_events"][AssetAlias("late")].asset_alias_events
    assert (event.source_alias_name, event.dest_asset_key.name) == ("dev.late", "dev.orders")


def test_inlet_events_are_found_by_the_name_in_the_code() -> None:
    from airflow.sdk.execution_time.context import InletEventsAccessors

    context = context_of(SimpleNamespace(), inlet_events=InletEventsAccessors([DEV.asset(ORDERS)]))
    NamespaceGuard(DEV)(context)

    assert context["inlet_events"][ORDERS] == context["inlet_events"][0]


def test_triggering_events_are_found_by_the_name_in_the_code() -> None:
    from airflow.sdk.definitions.asset import AssetUniqueKey
    from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor

    events = TriggeringAssetEventsAccessor(
        {AssetUniqueKey("dev.orders", "dev.s3://bucket/orders"): ["event"]}
    )  # type: ignore[list-item]
    context = context_of(SimpleNamespace(), triggering_asset_events=events)
    NamespaceGuard(DEV)(context)

    assert context["triggering_asset_events"][ORDERS] == ["event"]


def test_the_authors_own_hook_still_runs_with_what_the_task_will_see() -> None:
    seen: list[object] = []
    task = SimpleNamespace(external_dag_id="load")

    NamespaceGuard(DEV, lambda context: seen.append(context["ti"].task.external_dag_id))(context_of(task))

    assert seen == ["dev.load"]
