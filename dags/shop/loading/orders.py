"""Orders of one day, made up from the day itself, so that every run of a day gives the same ones."""

from __future__ import annotations

import random
from dataclasses import astuple, dataclass

from ..warehouse import connected

REGIONS = ("north", "south", "east", "west")


@dataclass(frozen=True)
class Order:
    """One order; ``cents`` is what the customer paid."""

    id: str
    day: str
    region: str
    cents: int


def extract(day: str, count: int = 40) -> list[Order]:
    """Return the orders of ``day`` (YYYY-MM-DD)."""
    chance = random.Random(day)  # noqa: S311  (sample data, not a secret)
    return [
        Order(f"{day}-{n:03}", day, chance.choice(REGIONS), chance.randrange(500, 20_000))
        for n in range(count)
    ]


def load(orders: list[Order]) -> int:
    """Write ``orders``, replacing those with the same id; return how many."""
    with connected() as connection:
        connection.executemany(
            "REPLACE INTO orders VALUES (?, ?, ?, ?)", [astuple(order) for order in orders]
        )
    return len(orders)
