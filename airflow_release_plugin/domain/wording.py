"""Phrases that several messages share."""

from __future__ import annotations

from collections.abc import Sequence


def first_few(names: Sequence[str], most: int = 1) -> str:
    """Names for a sentence, of which ``most`` are shown and the others counted: ``a, b and 3 more``."""
    left = len(names) - most
    shown = ", ".join(names[:most])
    return f"{shown} and {left} more" if left > 0 else shown
