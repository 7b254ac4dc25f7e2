"""Airflow's notifiers: whether a flow may use one, and sending with one in a process of its own."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from airflow_release_plugin import config
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message

WORKER = "airflow_release_plugin.airflow_internals.notifier_worker"
ANSWER = "answer.json"


@dataclass(frozen=True)
class DeliveryProblem:
    """
    Why a notification was not sent.

    :param kind: the error's class: safe to show, since messages of notifiers may hold anything
    :param detail: its message, with the secrets masked that Airflow knows
    """

    kind: str
    detail: str


def load_notifier(classpath: str) -> type[Any]:
    """
    The class of a notifier that this installation allows.

    :raises InvalidRequestError: not allowed, not importable, or no subclass of ``BaseNotifier``
    """
    allowed = config.notifiers()
    if not any(fnmatchcase(classpath, glob) for glob in allowed):
        raise InvalidRequestError(
            "This installation does not allow the notifier %(classpath)r; [release] notifiers "
            "allows %(allowed)s. Its administrator can add it there.",
            classpath=classpath,
            allowed=sorted(allowed) or Message("none"),
        )
    from airflow.sdk import BaseNotifier

    try:
        found = resolve_name(classpath)
    except Exception as error:
        raise InvalidRequestError(
            "The notifier %(classpath)r cannot be imported (%(error)s). Check the spelling, and "
            "that its package is installed where the API server runs.",
            classpath=classpath,
            error=type(error).__name__,
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)):
        raise InvalidRequestError(
            "%(classpath)r is not a subclass of Airflow's BaseNotifier.", classpath=classpath
        )
    return found


def check_notifier(classpath: str, kwargs: Mapping[str, Any]) -> None:
    """Raise ``InvalidRequestError`` unless the notifier may be used and takes these arguments."""
    notifier = load_notifier(classpath)
    try:
        inspect.signature(notifier).bind(**kwargs)
    except TypeError as error:
        raise InvalidRequestError(
            "The notifier %(classpath)r cannot be made like this: %(error)s.",
            classpath=classpath,
            error=error,
        ) from error


def deliver(
    notifier: Mapping[str, Any], notice: Mapping[str, Any], *, timeout: float
) -> DeliveryProblem | None:
    """
    Send ``notice`` and return ``None``, or what was the matter.

    In a process of its own: a notifier that hangs, exits or crashes takes nothing with it.

    :param notifier: ``notifier`` and ``kwargs``, as a flow has them
    :param timeout: seconds, after which the process is killed
    """
    job = json.dumps(
        {"notifier": notifier["notifier"], "kwargs": notifier.get("kwargs", {}), "notice": notice}
    )
    # An empty folder to work in: Python puts the present one on its path.
    with tempfile.TemporaryDirectory(prefix="release-notify-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER, ANSWER],
            cwd=folder,
            env={**os.environ, "_AIRFLOW_PROCESS_CONTEXT": "server"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        try:
            process.communicate(job, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return DeliveryProblem(
                "Timeout",
                Message("It took longer than %(seconds)s seconds and was stopped.", seconds=f"{timeout:g}"),
            )
        return _answer(Path(folder, ANSWER), process.returncode)


def _answer(file: Path, code: int) -> DeliveryProblem | None:
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return DeliveryProblem(
            "Crash", Message("Its process ended with code %(code)s and said nothing.", code=code)
        )
    return DeliveryProblem(answer["kind"], answer["detail"]) if answer else None
