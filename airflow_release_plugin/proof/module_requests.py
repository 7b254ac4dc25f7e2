"""
Hears of every module that is asked for and not loaded yet, found or not.

Python's audit hook is told of ``import`` statements alone: not of ``importlib.import_module``, of the
packages around a module, nor of the names in ``from package import name``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder

Told = Callable[[str, "Sequence[str] | None"], None]


class ModuleRequests:
    """
    A finder that is asked first and finds nothing.

    :param tell: called with the full name of a module, and the folders of the package that it is looked for
        in; ``None`` for ``sys.path``
    """

    def __init__(self, tell: Told) -> None:
        self._tell = tell

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        """Tell, and leave it to the next finder."""
        # What is raised here would be raised in DAG code.
        with contextlib.suppress(Exception):
            self._tell(name, path)

    def be_first(self) -> None:
        """See to it that no other finder is asked before, whatever DAG code did to them."""
        if not sys.meta_path or sys.meta_path[0] is not self:
            sys.meta_path[:] = [self, *(finder for finder in sys.meta_path if finder is not self)]


def is_found_in(name: str, entries: list[str]) -> bool:
    """Whether a module that is not in a package is built in, or found in these folders for good."""
    if name in sys.builtin_module_names:
        return True
    spec = PathFinder.find_spec(name, entries) if entries else None
    # Folders without code come last, whatever their place: a package further back wins.
    return spec is not None and spec.loader is not None
