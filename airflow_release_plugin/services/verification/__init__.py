"""After a promotion: whether Airflow serves what was approved, and how the runs that it asked for went."""
