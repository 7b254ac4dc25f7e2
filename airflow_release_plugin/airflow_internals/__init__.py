"""Everything that touches Airflow itself, behind the ports of ``domain/ports.py``."""
