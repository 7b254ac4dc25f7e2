"""Where threads stand among the lines of a diff that a page shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.services.discussion.reading import ThreadView
from airflow_release_plugin.views.widgets.diff_rows import ShownFile


@dataclass(frozen=True)
class PlacedThreads:
    """
    The threads of one file.

    :param at: those under lines that are shown, by side and number: ``new:12``
    :param elsewhere: those on lines that are folded, or that are not there any more
    :param lines: sides and numbers of all lines that are shown
    """

    at: Mapping[str, list[ThreadView]]
    elsewhere: list[ThreadView]
    lines: frozenset[str]

    @property
    def has_open(self) -> bool:
        """Whether one of them is not resolved."""
        return any(
            not view.is_resolved for view in (*(v for at in self.at.values() for v in at), *self.elsewhere)
        )


def place_threads(threads: Iterable[ThreadView], file: ShownFile) -> PlacedThreads:
    """The threads of a file that a page shows."""
    shown = frozenset(
        key
        for block in file.blocks
        for line in block.lines
        for key in (f"old:{line.old_no}", f"new:{line.new_no}")
    )
    at: dict[str, list[ThreadView]] = defaultdict(list)
    elsewhere = []
    for view in threads:
        if view.thread.path != file.file.path:
            continue
        key = f"{view.thread.side.value}:{view.line}"
        if view.line is not None and key in shown:
            at[key].append(view)
        else:
            elsewhere.append(view)
    return PlacedThreads(dict(at), elsewhere, shown)


def threads_without_file(threads: Iterable[ThreadView], paths: Collection[str]) -> list[ThreadView]:
    """Threads on files that the release does not change any more."""
    return [view for view in threads if view.thread.path not in paths]
