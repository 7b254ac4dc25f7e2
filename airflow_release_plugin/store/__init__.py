"""Versions and branches as git objects, and the trees on disk that Airflow serves."""
