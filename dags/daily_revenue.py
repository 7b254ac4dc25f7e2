"""
Announce the revenue whenever new orders are in.

No clock starts this DAG but the asset ``shop_orders``, which ``etl_orders`` updates. In development the asset
has another name, so that a trial run there never starts the DAG in production.
"""

from __future__ import annotations

from airflow.sdk import Asset, dag, task

from shop.warehouse import connected


@dag(
    schedule=[Asset("shop_orders")],
    catchup=False,
    tags=["shop"],
    default_args={"owner": "shop-team"},
    doc_md=__doc__,
)
def daily_revenue() -> None:
    @task
    def announce() -> dict[str, int]:
        """Return the latest seven days as ``{day: cents}``."""
        with connected() as connection:
            rows = connection.execute("SELECT day, cents FROM revenue ORDER BY day DESC LIMIT 7")
            return dict(rows.fetchall())

    announce()


daily_revenue()
