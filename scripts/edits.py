"""What people change in the demo's DAGs, for the pictures."""

from __future__ import annotations

# What a reviewer sees: a task that did the work of two becomes a check and a load.
OLD_LOAD = """    @task
    def load_orders(day: str) -> int:
        return load(extract(day))
"""
NEW_LOAD = """    @task(retries=2)
    def load_orders(day: str) -> int:
        orders = extract(day)
        if not orders:
            raise ValueError(f"no orders on {day}: is the shop's export late?")
        return load(orders)
"""

# What somebody changes on the server at night.
HOT_FIX = """    @task
    def load_orders(day: str) -> int:
        return load(row for row in extract(day) if row)
"""
