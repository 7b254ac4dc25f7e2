"""Requests that are sent again after moments, where a test is about what happens in the end."""

from __future__ import annotations

from functools import partial

import pytest

from airflow_release_plugin.client.retry import Backoff

QUICK = partial(Backoff, first=0.01, cap=0.02, total=0.1)
_MAKERS = ("bundles.http_objects", "client.release")


def repeat_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever makes a ``Backoff`` without a word of its own wait for moments only."""
    for module in _MAKERS:
        monkeypatch.setattr(f"airflow_release_plugin.{module}.Backoff", QUICK)
