"""Keeps what Airflow and DAG code log while a file runs: some of Airflow's errors are told nowhere else."""

from __future__ import annotations

import logging

from airflow_release_plugin.proof.log_lines import MOST

_LONGEST = 1000


class LogKeeper(logging.Handler):
    """
    Hears warnings and worse of every logger.

    :param tree: folder that is left out of texts
    """

    def __init__(self, tree: str) -> None:
        super().__init__(logging.WARNING)
        self._tree = tree
        self._lines: dict[str, None] = {}

    def start(self) -> None:
        """Begin anew; loggers may have come, or been set up anew, since the last time."""
        self._lines = {}
        loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
        for logger in loggers:
            if isinstance(logger, logging.Logger) and (logger.parent is None or not logger.propagate):
                logger.addHandler(self)  # once, however often it is said

    def stop(self) -> tuple[str, ...]:
        """What was heard, without repetitions: ``ERROR: message``, with the exception in one more line."""
        return tuple(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; what cannot be written as a text is left out."""
        try:
            text = f"{record.levelname}: {record.getMessage()}"
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                text += f"\n{type(error).__name__}: {error}"
        except Exception:
            return
        if len(self._lines) < MOST:
            # Where the tree lies is no part of what is said: it is another place in each run.
            text = text.replace(f"{self._tree}/", "").replace(self._tree, ".")
            self._lines.setdefault(text[:_LONGEST])
