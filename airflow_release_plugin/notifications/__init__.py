"""Notifiers of our own, for what those of Airflow's providers do not reach: signed webhooks."""
