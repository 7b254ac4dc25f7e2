"""Tells the server how far a check is, beside the check and never in its way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.progress import ItemState
from airflow_release_plugin.exceptions import ConflictError, ReleaseError
from airflow_release_plugin.messages import shortened
from airflow_release_plugin.schemas.work import MAX_LINE, MAX_LINES, FileProgressBody, ProgressBody

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_release_plugin.proof.report import FileReport

log = logging.getLogger(__name__)

SECONDS = 1.0
_LONGEST_DETAIL = 1000
_LAST_WORDS = 5.0
"""Seconds that a request under way may take when the check ends."""


class ProgressTeller:
    """
    Sends what changed since the last time, once a second, from a thread of its own.

    Progress is a courtesy: what cannot be sent is logged and forgotten, the report at the end has it all.

    :param send: sends one batch
    :param attempt: attempt of the release that is checked
    """

    def __init__(self, send: Callable[[ProgressBody], object], *, attempt: int) -> None:
        self._send = send
        self._attempt = attempt
        self._changed: dict[str, FileProgressBody] = {}
        self._lock = Lock()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="release-progress", daemon=True)

    def __enter__(self) -> ProgressTeller:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_LAST_WORDS)

    def __call__(self, path: str, report: FileReport | None) -> None:
        """Note that the parsing of a file began, or how it ended."""
        with self._lock:
            self._changed[path] = _progress(path, report)

    def _run(self) -> None:
        while not self._stop.wait(SECONDS):
            with self._lock:
                files, self._changed = list(self._changed.values()), {}
            if files and not self._tell(files):
                return

    def _tell(self, files: list[FileProgressBody]) -> bool:
        try:
            self._send(ProgressBody(attempt=self._attempt, files=files))
        except ConflictError as error:
            log.info("Progress is not told any more: %s", error.message)
            return False
        except ReleaseError as error:
            log.warning("Progress was not told: %s", error.message)
        return True


def _progress(path: str, report: FileReport | None) -> FileProgressBody:
    if report is None:
        return FileProgressBody(path=path, state=ItemState.CHECKING)
    told = {"seconds": report.seconds, "lines": [line[:MAX_LINE] for line in report.logged[:MAX_LINES]]}
    if report.is_ok or not report.is_reached:
        return FileProgressBody(path=path, state=ItemState.CHECKED, **told)
    from airflow_release_plugin.proof.findings import refusals

    last = next(reversed(refusals(report)), report.reason)
    return FileProgressBody(
        path=path, state=ItemState.FAILED, detail=shortened(last, _LONGEST_DETAIL), **told
    )
