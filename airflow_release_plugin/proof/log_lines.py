"""
What one run of a file logs and another does not.

Airflow tells some of its errors in no other way: of a template that is not there it only logs, and makes the
DAG all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

MOST = 200
"""Lines that are kept of one run; where a run has more, what it lacks says nothing."""

_MOMENT = (
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?"
)
_ADDRESS = r"\b0x[0-9a-fA-F]+\b"
_DURATION = r"\b\d+(?:[.,]\d+)?(?= ?(?:ms|s|sec|secs|seconds?|milliseconds?|minutes?)\b)"
_SCRATCH = r"\$TMPDIR/[^\s'\",;)]+"
_NEVER_THE_SAME = re.compile(f"{_MOMENT}|{_ADDRESS}|{_DURATION}|{_SCRATCH}")
_WITH_A_DIGIT = re.compile(r"\b[\w-]*\d[\w-]*\b")
_NAMES = re.compile(r"[^\s'\"`=,;:()\[\]{}<>]*\.\w{1,10}(?!\w)")


def only_in_second(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """
    Lines of the second run that the first has not; times and addresses in them do not count.

    Empty where the first run logged more than is kept.
    """
    if len(first) >= MOST:
        return ()
    known = {_steady(line) for line in first}
    return tuple(line for line in second if _steady(line) not in known)


def without_unsteady(lines: Iterable[str], runs: tuple[Sequence[str], Sequence[str]]) -> tuple[str, ...]:
    """
    ``lines`` without those that come and go, or carry another number each time, in two runs of one tree.

    :param runs: what both of them logged
    """
    once, again = ({_steady(line) for line in run} for run in runs)
    moving = {_shape(line) for line in once ^ again}
    return tuple(line for line in lines if _shape(_steady(line)) not in moving)


def names_in(line: str) -> Iterator[str]:
    """Names of files that may stand in a line, each once, without ``./`` in front."""
    yield from dict.fromkeys(name.removeprefix("./") for name in _NAMES.findall(line))


def _steady(line: str) -> str:
    return _NEVER_THE_SAME.sub("…", line)


def _shape(line: str) -> str:
    return _WITH_A_DIGIT.sub("…", line)
