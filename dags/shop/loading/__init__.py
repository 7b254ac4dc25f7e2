"""Getting orders in."""

from __future__ import annotations

from .orders import Order, extract, load

__all__ = ["Order", "extract", "load"]
