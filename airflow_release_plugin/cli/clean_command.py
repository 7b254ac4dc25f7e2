"""``airflow release clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_release_plugin.cli.common import Row, deed, operator
from airflow_release_plugin.services.retention import cleaning

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def clean(args: Namespace) -> list[Row]:
    """Remove what is kept no longer, or say what would go."""
    found = cleaning.clean(actor=operator(), dry_run=args.dry_run)
    done = "would go" if args.dry_run else "gone"
    return [
        {"kind": each.kind, done: each.count, "bytes": "" if each.freed is None else each.freed}
        for each in found
    ]
