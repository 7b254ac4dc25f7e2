from __future__ import annotations

"""Release management for Apache Airflow 3."""

__version__ = "0.1.0"
