"""What is wrong with values that somebody gave, by the field that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import together


class Problem(NamedTuple):
    """One sentence about one field; ``field`` is its name at the top of what was given."""

    field: str
    text: str


def refusal(problems: Sequence[Problem]) -> InvalidRequestError:
    """The error that names all of them, a line each."""
    return InvalidRequestError(
        together((problem.text for problem in problems), "\n"),
        problems=[problem._asdict() for problem in problems],
    )
