"""How running a file may end, in words: whose fault it is, and what to do."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.observation import Confinement

_DENIED = ("VARIABLE_NOT_FOUND", "CONNECTION_NOT_FOUND")
_LONGEST = 4000


def unusable(tree: Path, path: str) -> str | None:
    """Why a file cannot even be tried."""
    if path.startswith("/") or ".." in path.split("/"):
        return Message("The path leaves the tree.")
    return None if (tree / path).is_file() else Message("The file does not exist in the tree.")


def not_loaded(seconds: float) -> str:
    """Airflow did not start in time."""
    return Message(
        "Airflow was not loaded on this worker within %(seconds)s seconds. It is no fault "
        "of the DAG files; the check is tried again. Where Airflow takes longer, let an "
        "admin raise [release] check_start_timeout.",
        seconds=f"{seconds:g}",
    )


def used_up(limits: Limits, done: int, remaining: Sequence[str]) -> str:
    """There were too many files for the time."""
    return Message(
        "The %(total)s seconds of the check were used up by %(done)s files; %(left)s had no turn, %(first)s "
        "first. It is no fault of these files; the check is tried again. Make the release smaller, or let an "
        "admin raise [release] check_timeout.",
        total=f"{limits.total:g}",
        done=done,
        left=len(remaining),
        first=remaining[0],
    )


def too_slow(limits: Limits, used: float) -> str:
    """One file took longer than it may, on whatever machine."""
    if used >= limits.file:
        return Message(
            "Parsing was stopped: the file used %(seconds)s seconds of processor time and did not "
            "finish. Move slow work from the top level of the file into tasks, or let an admin "
            "raise [release] check_file_timeout.",
            seconds=f"{limits.file:g}",
        )
    return Message(
        "Parsing was stopped: the file did not finish within %(seconds)s seconds and worked "
        "for only %(used)s of them: it waits for something. Move that into tasks; [release] "
        "check_file_timeout, four times of which a file may wait, can be raised by an "
        "admin.",
        seconds=f"{limits.wait:g}",
        used=f"{used:.1f}",
    )


def unconfined(confinement: Confinement) -> str:
    """The worker cannot do what is demanded."""
    return Message(
        "%(confinement)s [release] require_confinement demands that files and network are. Run "
        "the check on a worker that can (Linux 6.7 or newer with Landlock): give the "
        "pipeline's task a queue of such workers; or let an admin switch the option off.",
        confinement=confinement.sentence,
    )


def ending(code: int) -> str:
    """What became of a process by its exit code."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return Message("killed by %(signal)s", signal=signal.Signals(-code).name)
    return Message("it exited with code %(code)s", code=code)


def crash(path: Path) -> str:
    """The stack of a crash: it begins with the innermost call; below the import machinery is Airflow."""
    return _text(path).partition('\n  File "<frozen importlib')[0][:_LONGEST]


def tail(path: Path) -> str:
    """The end of what was printed."""
    return _text(path)[-_LONGEST:]


def explained(text: str, limits: Limits, dropped: Sequence[str]) -> str:
    """An error with what it has to do with the check, if it has."""
    reason = _reason(text, limits, dropped)
    return text if reason is None else together([text, reason], "\n")


def _reason(text: str, limits: Limits, dropped: Sequence[str]) -> Message | None:
    if any(code in text for code in _DENIED):
        return Message(
            "The check has no access to Airflow's variables and connections. Read them inside a task or in "
            "a template, or give a default."
        )
    if "KeyError" in text and "environ" in text:
        return Message(
            "The check hands on only a few environment variables. Give a default, or let an admin name the "
            "variable in [release] check_environment."
        )
    if "MemoryError" in text:
        return Message(
            "In the check a file may use %(memory_mb)s MiB. Move the work into a task, or let an admin raise "
            "[release] check_memory_mb.",
            memory_mb=limits.memory_mb,
        )
    if "ModuleNotFoundError" in text and dropped:
        return Message(
            "The check leaves %(folders)s out of PYTHONPATH: DAG code there is not part of the release. Move "
            "modules into the source, or point the source to the folder that holds them all.",
            folders=dropped,
        )
    return None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""
