"""What a page says after something was done, on the page that follows."""

from __future__ import annotations

import flask

from airflow_release_plugin.languages import said


def flash(message: str, category: str) -> None:
    """Keep a message in the session, in the words of whoever is spoken to now."""
    flask.flash(said(message), category)
