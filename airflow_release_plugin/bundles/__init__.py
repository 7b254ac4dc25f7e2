"""DAG bundles as Airflow loads them: one serves an environment, one holds the pipelines."""
