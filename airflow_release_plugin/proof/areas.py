"""Which part of the machine a path lies in, as seen by the process that runs DAG files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class AreaKind(Enum):
    """What counts in an area."""

    TREE = "tree"
    """The files that are checked: everything is noted."""
    SCRATCH = "scratch"
    """Where the process may write; nothing is noted of what is there."""
    INSTALLED = "installed"
    """Python, Airflow, packages, libraries: nothing is noted."""
    PRIVATE = "private"
    """Other DAG code, and Airflow's own folder: everything is noted, and fails the check."""


@dataclass(frozen=True)
class Area:
    """
    A folder, or a file, with all below it.

    :param folder: absolute, without links and without a slash at its end
    :param name: as in :class:`~airflow_release_plugin.proof.observation.PrivateFolder`
    """

    folder: str
    kind: AreaKind
    name: str = ""
    is_bundle: bool = False


class Areas:
    """Areas inside of one another; the innermost one counts, of the same folder the private one."""

    def __init__(self, areas: Iterable[Area]) -> None:
        ordered = sorted(areas, key=lambda area: (len(area.folder), area.kind is AreaKind.PRIVATE))
        self._areas = [(area.folder, f"{area.folder.rstrip('/')}/", area) for area in reversed(ordered)]
        self.private = tuple(area for _, _, area in self._areas if area.kind is AreaKind.PRIVATE)

    def find(self, path: str) -> Area | None:
        """The innermost area of an absolute path that is written without ``..``."""
        for folder, prefix, area in self._areas:
            if path.startswith(prefix) or path == folder:
                return area
        return None


def is_below(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it; both absolute and without links."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
