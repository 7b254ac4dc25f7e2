"""What is pushed to a git mirror, what there is somebody else's, and when it is tried again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from airflow_release_plugin.messages import Message

_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(minutes=10)
_PASSWORD = re.compile(r"(?<=://)(?P<login>[^/@:\s]*):[^/\s]*@")
_TOKEN = re.compile(r"(?<=^http://)[^/@:\s]+@|(?<=^https://)[^/@:\s]+@")
"""Forges take a token in place of the login, too."""


class MirrorState(str, Enum):
    """How a mirror stands."""

    UP_TO_DATE = "up_to_date"
    """It has every branch and tag, as far as was seen last."""
    BEHIND = "behind"
    """Something was promoted that it has not yet."""
    FAILING = "failing"
    """It could not be pushed to; that is tried again."""
    MOVED = "moved_elsewhere"
    """Somebody else moved something there. Nothing is pushed until an admin says what counts."""


@dataclass(frozen=True)
class MovedRef:
    """
    A branch or tag of the mirror that is not what was pushed.

    :param found: commit there; empty for one that was deleted
    :param ours: commit of the installation
    """

    ref: str
    found: str
    ours: str

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"ref": self.ref, "found": self.found, "ours": self.ours}

    def __str__(self) -> str:
        return Message(
            "%(ref)s is at %(found)s there, and at %(ours)s here",
            ref=self.ref,
            found=self.found or Message("nothing"),
            ours=self.ours,
        )


@dataclass(frozen=True)
class PushPlan:
    """
    What a mirror lacks.

    :param updates: commits by ref
    :param moved: what is somebody else's; nothing is pushed while there is any
    :param put_back: of ``updates``, what somebody had deleted or moved back, so that nothing is lost
    """

    updates: Mapping[str, str] = field(default_factory=dict)
    moved: tuple[MovedRef, ...] = ()
    put_back: tuple[MovedRef, ...] = ()


def plan_push(
    local: Mapping[str, str],
    remote: Mapping[str, str],
    *,
    pushed: Mapping[str, str],
    age: Callable[[str, str], int | None],
    overwrite: Mapping[str, str],
) -> PushPlan:
    """
    Compare what is here with what is there.

    Only what is there and *ours* is moved on. What there is besides is left alone.

    :param local: branches and tags of the installation, by ref
    :param remote: those of the mirror
    :param pushed: branches as they were pushed last
    :param age: how many commits a commit lies behind a branch (its ref); ``None`` if it is not on it
    :param overwrite: commits there, by ref, that an admin gave up
    """
    updates: dict[str, str] = {}
    moved: list[MovedRef] = []
    put_back: list[MovedRef] = []
    for ref, ours in local.items():
        found = remote.get(ref, "")
        if found == ours:
            continue
        before = pushed.get(ref, "")
        their_age = 0 if found in {"", before} else age(ref, found)
        if their_age is None and overwrite.get(ref) != found:
            moved.append(MovedRef(ref, found, ours))
            continue
        updates[ref] = ours
        if before and their_age is not None and _is_back(ref, found, before, their_age, age):
            put_back.append(MovedRef(ref, found, ours))
    return PushPlan({} if moved else updates, tuple(moved), () if moved else tuple(put_back))


def _is_back(
    ref: str, found: str, before: str, their_age: int, age: Callable[[str, str], int | None]
) -> bool:
    """Whether somebody took away what was there already."""
    if found in {"", before}:
        return not found
    return their_age > (age(ref, before) or 0)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return min(_FIRST_PAUSE * (1 << min(failures - 1, 10)), _LONGEST_PAUSE)


def masked(url: str) -> str:
    """An address without the password or token that it may hold."""
    return _TOKEN.sub("***@", _PASSWORD.sub(r"\g<login>:***@", url))
