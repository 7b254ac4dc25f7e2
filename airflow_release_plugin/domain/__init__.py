"""The rules of the product in plain Python: states, agreement, risk, digests; and the ports to Airflow."""
