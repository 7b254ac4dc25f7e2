"""
Machines that follow an environment, and when one of them has been silent for too long.

Whoever serves an environment asks where it is, and says so: a dag processor every few minutes, a worker with
the first task of some minutes. Silence alone says little, since a worker may have nothing to do and a pod may
be gone. It counts where Airflow knows that the machine goes on all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SIGN_PAUSE = 300
"""Seconds after which a machine at work gives a sign again, unless it says another pace."""
KEPT = timedelta(days=1)
"""Machines that were not heard from for so long are forgotten: pods come and go."""
MOST = 1000
"""So many machines of an environment are remembered, those that were heard from last."""
_MISSED_SIGNS = 3


@dataclass(frozen=True)
class MachineSign:
    """
    What a machine says of itself when it asks where its environment is.

    :param host: as Airflow names it for jobs and task instances
    :param serves: commit; empty before the first one
    :param pause: seconds within which it means to give the next sign, while it is at work
    """

    host: str
    serves: str
    pause: int = SIGN_PAUSE


@dataclass(frozen=True)
class SilentMachine:
    """
    A machine that is at work, does not ask any more, and serves what it has.

    :param serves: commit that it served when it was heard from last
    :param reason: how Airflow knows that it goes on, as a sentence for people
    """

    host: str
    serves: str
    heard_at: datetime
    reason: str


def patience(pause: int) -> timedelta:
    """After how long a machine that gives a sign every ``pause`` seconds counts as silent."""
    return timedelta(seconds=_MISSED_SIGNS * max(pause, SIGN_PAUSE))
