"""Tells, or refuses, that a task of a released DAG opens files of the source, which nobody approved."""

from __future__ import annotations

import logging
import os
import sys
from types import FrameType

from airflow.sdk.exceptions import AirflowFailException

from airflow_release_plugin import config
from airflow_release_plugin.airflow_internals.opened_files import OpenedFiles
from airflow_release_plugin.airflow_internals.source_location import SourceLocation

log = logging.getLogger(__name__)

_MOST_TOLD = 100
"""Lines in the log of one task."""


class SourceReadError(AirflowFailException):
    """A task of a released DAG opened a file of the source; trying again would not help."""


class SourceGuard:
    """
    Looks at what the process opens.

    :param source: where the source is
    :param served: folders of the environment's trees, which the source may lie around
    :param fails: whether opening fails; else it is told once for each file
    """

    def __init__(self, source: SourceLocation, served: tuple[str, ...], *, fails: bool) -> None:
        self._source = source
        self._served = tuple(f"{folder}/" for folder in served)
        self._fails = fails
        self._told: set[str] = set()

    def stand(self) -> None:
        """Begin to look."""
        OpenedFiles(self._source.folders, self._opened).listen()

    def _opened(self, path: str, is_written: bool) -> None:
        if path.startswith(self._served) or not os.path.lexists(path):
            return
        is_news = path not in self._told and len(self._told) < _MOST_TOLD
        if self._fails:
            # Code may swallow the exception; then the log tells.
            if is_news:
                self._told.add(path)
                log.error("%s", self._sentence(path, is_written))
            raise SourceReadError(self._sentence(path, is_written))
        if is_news:
            self._told.add(path)
            log.warning("%s", self._sentence(path, is_written))

    def _sentence(self, path: str, is_written: bool) -> str:
        deed = "writes to" if is_written else "opens"
        place = self._place()
        return (
            f"This released DAG {deed} {path!r} of the source bundle {config.source_bundle()!r}"
            f"{f' ({place})' if place else ''}: it would go on using what is edited there and nobody"
            " approved. Name the file by a path relative to the DAG file, then submit and release it again"
            " ([release] source_reads says what happens meanwhile)."
        )

    def _place(self) -> str:
        """The innermost line of released code."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self._served):
                return f"{os.path.basename(name)} line {frame.f_lineno}"
            frame = frame.f_back
        return ""
