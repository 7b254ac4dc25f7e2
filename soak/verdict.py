"""Whether what has an end stays as large as it is: ratios between the quarters of the last year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from soak.measures import Measured

KEPT_FOR_A_TIME = (
    "release_notification",
    "release_notice",
    "release_export",
    "release_import",
    "release_file_chunk",
    "release_snapshot",
    "release_task_claim",
    "release_event",
)
"""Tables whose rows all go after a time; others grow by what was released, and are only shown."""
MOST_ROWS, FEW_ROWS = 1.15, 60
"""A table may have so many times the rows of a year before, and so many more: rounds are coarse."""
MOST_BYTES, FEW_BYTES = 1.3, 512 * 1024
"""The same for bytes: pages of databases are filled to different degrees."""
MOST_TIME, SHORT = 1.5, 0.01
"""A page may take so many times as long, and so many seconds more: other processes run beside it."""
MOST_STATEMENTS = 2
"""So many more may a page send: some ask once more where there is something to show."""
READ_IN_PIECES = frozenset({"verify the audit trail"})
"""What reads all rows of a table, a statement for each piece: these may be more as the rows may."""


def grown_tables(
    year: Sequence[Measured], tables: Sequence[str] = KEPT_FOR_A_TIME, few_rows: int = FEW_ROWS
) -> Iterator[str]:
    """
    Tables that grew, one sentence for each.

    :param year: measures from the beginning of the last year to its end
    """
    first, last = year[0], year[-1]
    for name in tables:
        rows = first.rows[name], last.rows[name]
        if rows[1] > rows[0] * MOST_ROWS + few_rows:
            yield f"{name} has {rows[1]} rows, a year before {rows[0]}"
        size = first.sizes[name], last.sizes[name]
        if size[1] > size[0] * MOST_BYTES + FEW_BYTES:
            yield f"{name} has {size[1]} bytes, a year before {size[0]}"


def grown_pages(year: Sequence[Measured]) -> Iterator[str]:
    """Pages that cost more, one sentence for each."""
    first, last = year[0], year[-1]
    for page, cost in last.pages.items():
        before = first.pages[page]
        by_rows = before.statements * MOST_ROWS if page in READ_IN_PIECES else 0
        if cost.statements > max(before.statements + MOST_STATEMENTS, by_rows):
            yield f"{page} takes {cost.statements} statements, a year before {before.statements}"
        if cost.seconds > before.seconds * MOST_TIME + SHORT:
            yield f"{page} takes {cost.seconds * 1000:.0f} ms, a year before {before.seconds * 1000:.0f} ms"
