"""
A report for each region, from one file.

The loop gives four DAGs, but there is one file to review: they are one unit, submitted and released together.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task

from shop.loading.orders import REGIONS
from shop.warehouse import connected


@task
def best_day(region: str) -> str:
    """Return the day on which the region sold most, and for how much."""
    query = "SELECT day, SUM(cents) FROM orders WHERE region = ? GROUP BY day ORDER BY 2 DESC LIMIT 1"
    with connected() as connection:
        row = connection.execute(query, (region,)).fetchone()
    return f"{row[0]}: {row[1] / 100:.2f}" if row else "no orders yet"


for name in REGIONS:
    with DAG(
        dag_id=f"report_{name}",
        schedule="@weekly",
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        catchup=False,
        tags=["shop", "report"],
        default_args={"owner": "sales-team"},
    ):
        best_day(name)
