"""
Load the day's orders and sum them up.

One DAG, several files: it imports the helper package ``shop`` and reads a SQL file as a template, so all of
them are submitted, reviewed and released together.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import Asset, dag, get_current_context, task

from shop.loading import extract, load
from shop.sql_operator import WarehouseSqlOperator

ORDERS = Asset("shop_orders")


@dag(
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    tags=["shop", "etl"],
    default_args={"owner": "shop-team"},
    doc_md=__doc__,
)
def etl_orders() -> None:
    @task
    def day_of_run() -> str:
        """A run by hand may have no logical date and takes today."""
        moment = get_current_context().get("logical_date") or datetime.now(timezone.utc)
        return moment.date().isoformat()

    @task
    def load_orders(day: str) -> int:
        return load(extract(day))

    sum_up = WarehouseSqlOperator(task_id="sum_up", sql="sql/daily_revenue.sql", outlets=[ORDERS])
    load_orders(day_of_run()) >> sum_up


etl_orders()
