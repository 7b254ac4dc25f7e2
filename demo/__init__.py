"""
A whole Airflow with Airflow Release in it, on this machine, for people to try and for tests to drive.

``python -m demo`` runs it in a terminal; :func:`demo.instance.running_demo` runs it inside a program.
"""

from __future__ import annotations
