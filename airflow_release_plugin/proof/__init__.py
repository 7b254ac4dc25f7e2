"""Runs DAG files as Airflow would, confined and watched, on a worker; what it saw is the proof."""
