"""
Send the invoices, but only after somebody looked at the total.

In production the run stops at the gate until people sign it off. A refusal fails the task: nothing is sent.
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import dag, task

from airflow_release_plugin.sensors.gate import ApprovalGateSensor
from shop.warehouse import connected


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    tags=["shop", "gated"],
    default_args={"owner": "finance-team"},
    doc_md=__doc__,
)
def invoice_run() -> None:
    @task
    def add_up() -> str:
        with connected() as connection:
            count, cents = connection.execute(
                "SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders"
            ).fetchone()
        return f"{count} invoices, {cents / 100:.2f} in total"

    @task
    def send(summary: str) -> str:
        """Say what went out; a real one would call the mail system here."""
        return f"sent: {summary}"

    summary = add_up()
    sign_off = ApprovalGateSensor(
        task_id="sign_off",
        title="Send this month's invoices?",
        message="{{ ti.xcom_pull('add_up') }}. Compare it with the ledger before you sign.",
    )
    summary >> sign_off >> send(summary)


invoice_run()
