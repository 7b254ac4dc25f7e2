"""Tells which files this process opens below some folders, by Python's audit events."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from importlib.util import source_from_cache
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_STARTS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"})
_MOST_IGNORED = 50_000

Tell = Callable[[str, bool], None]


class OpenedFiles:
    """
    Listens from :meth:`listen` on, for good; there is no way to take an audit hook back.

    Also told are files that are named in a command which the process starts. Not seen is what compiled code
    opens by itself, what such a command opens further, and a child that Python forked.

    :param folders: absolute; links to them count, too
    :param tell: is given each path, as it was opened or without links, and whether it is opened for writing;
        what it raises is raised where the file is opened
    """

    def __init__(self, folders: Iterable[str], tell: Tell) -> None:
        every = {way for folder in folders for way in (os.path.normpath(folder), os.path.realpath(folder))}
        self._folders = tuple(f"{folder}/" for folder in sorted(every))
        self._named = re.compile(
            "|".join(rf"{re.escape(folder)}[^\s'\";|&<>]+" for folder in self._folders) or "(?!)"
        )
        self._tell = tell
        self._ignored: set[Any] = set()
        self._telling = threading.local()

    def listen(self) -> None:
        """From now on, tell."""
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _mode, flags = arguments
            if not isinstance(path, int) and path not in self._ignored:
                self._opened(path, isinstance(flags, int) and bool(flags & _WRITES))
        elif event == "sqlite3.connect":
            self._opened(arguments[0], True)
        elif event in _STARTS:
            self._started(arguments)

    def _opened(self, path: Any, is_written: bool) -> None:
        if (found := self._find(path, is_written)) is not None:
            self._say(found, is_written)

    def _find(self, path: Any, is_written: bool) -> str | None:
        try:
            absolute = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(path)))
            for way in (absolute, os.path.realpath(absolute)):
                if way.startswith(self._folders):
                    return way if is_written else _source(way)
            # What is relative is another file after the next ``chdir``.
            if os.path.isabs(path) and len(self._ignored) < _MOST_IGNORED:
                self._ignored.add(path)
        except (OSError, TypeError, ValueError):
            return None
        return None

    def _started(self, arguments: tuple[Any, ...]) -> None:
        for value in arguments[:2]:
            for word in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(word, (str, bytes, os.PathLike)):
                    for named in self._named.findall(os.fsdecode(word)):
                        self._opened(named, False)

    def _say(self, path: str, is_written: bool) -> None:
        if getattr(self._telling, "now", False):
            return
        self._telling.now = True
        try:
            self._tell(path, is_written)
        finally:
            self._telling.now = False


def _source(path: str) -> str:
    """The source of a compiled file, which is what people know."""
    if path.endswith(".pyc"):
        try:
            return source_from_cache(path)
        except ValueError:
            return path
    return path
