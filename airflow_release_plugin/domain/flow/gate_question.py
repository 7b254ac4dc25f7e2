"""What a gate asks, as Airflow recorded it when it rendered the task's templates."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.domain.flow.rules import MAX_HOURS
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message

FIELDS = ("title", "message", "approvers", "valid_hours")
"""Template fields of the sensor: everything that decides what is asked, of whom, and for how long."""
LONGEST_TITLE, LONGEST_MESSAGE, MOST_APPROVERS = 200, 10_000, 100
_TRUNCATED = "Truncated. You can change this behaviour in [core]max_templated_field_length."
_MASK = "***"
"""What Airflow writes in place of a secret."""


@dataclass(frozen=True)
class GateQuestion:
    """
    :param approvers: login names that narrow who may decide
    :param valid_hours: hours until it expires; the flow's window if ``None``
    """

    title: str
    message: str = ""
    approvers: tuple[str, ...] = ()
    valid_hours: float | None = None

    def allows(self, said: GateQuestion) -> bool:
        """Whether ``said``, which may hold secrets, is this, in which Airflow has masked them."""
        return (
            _fits(self.title, said.title)
            and _fits(self.message, said.message)
            and self.approvers == said.approvers
            and self.valid_hours == said.valid_hours
        )


def text_of(value: Any) -> str:
    """A rendered value as people read it: text as it is, nothing as empty, all else as JSON."""
    if value is None or isinstance(value, str):
        return (value or "").strip()
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def names_of(value: Any) -> tuple[str, ...]:
    """A rendered value as names: a text is one name."""
    names: Iterable[Any] = [value] if isinstance(value, str) else value or ()
    return tuple(name for name in map(text_of, names) if name)


def recorded_question(rendered: Mapping[str, Any]) -> GateQuestion:
    """
    The question in a task's rendered fields.

    :raises InvalidRequestError: Airflow cut one of them, or they make no question
    """
    for name in FIELDS:
        if str(rendered.get(name)).startswith(_TRUNCATED):
            raise InvalidRequestError(
                "Airflow cut the gate's %(field)s, so nobody could read all of it: shorten it, or "
                "raise [core] max_templated_field_length on the workers, and clear the task.",
                field=name,
            )
    question = GateQuestion(
        title=text_of(rendered.get("title")),
        message=text_of(rendered.get("message")),
        approvers=names_of(rendered.get("approvers")),
        valid_hours=_hours(rendered.get("valid_hours")),
    )
    problem = _problem(question)
    if problem:
        raise InvalidRequestError("%(problem)s Mend the DAG and clear the task.", problem=problem)
    return question


def _hours(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        hours = float(value)
    except (TypeError, ValueError):
        hours = math.nan
    if not math.isfinite(hours):
        raise InvalidRequestError(
            "The gate's valid_hours is %(value)r; give a number of hours, more than 0, at most %(most)s.",
            value=value,
            most=MAX_HOURS,
        )
    return hours


def _problem(question: GateQuestion) -> str:
    if not 0 < len(question.title) <= LONGEST_TITLE:
        return Message(
            "The gate's title has %(number)s characters; it needs 1 to %(most)s.",
            number=len(question.title),
            most=LONGEST_TITLE,
        )
    if len(question.message) > LONGEST_MESSAGE:
        return Message(
            "The gate's message has %(number)s characters; at most %(most)s.",
            number=len(question.message),
            most=LONGEST_MESSAGE,
        )
    if len(question.approvers) > MOST_APPROVERS:
        return Message(
            "The gate names %(number)s approvers; at most %(most)s.",
            number=len(question.approvers),
            most=MOST_APPROVERS,
        )
    if "\x00" in question.title + question.message:
        return Message("The gate's text has a NUL character, which no database stores.")
    return ""


def _fits(recorded: str, said: str) -> bool:
    """Whether ``recorded`` is ``said`` with some parts masked; one walk through the text."""
    if _MASK not in recorded:
        return recorded == said
    first, *middle, last = recorded.split(_MASK)
    end = len(said) - len(last)
    if not (said.startswith(first) and said.endswith(last) and len(first) <= end):
        return False
    at = len(first)
    for part in middle:
        found = said.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
