"""The tables of the shop."""

from __future__ import annotations

TABLES = (
    "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, day TEXT, region TEXT, cents INTEGER)",
    "CREATE TABLE IF NOT EXISTS revenue (day TEXT PRIMARY KEY, cents INTEGER)",
)
