"""Phrases that several messages share."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.messages import Message

BROKEN_INSIDE = Message("Something broke inside. The API server's log says what.")
"""What people are told of an error that nobody foresaw."""


def first_few(names: Sequence[str], most: int = 1) -> str:
    """Names for a sentence, of which ``most`` are shown and the others counted: ``a, b and 3 more``."""
    left = len(names) - most
    if left > 0:
        return Message("%(shown)s and %(left)s more", shown=names[:most], left=left)
    return Message("%(shown)s", shown=names)
