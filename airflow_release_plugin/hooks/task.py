"""What every task of ours does the same way: read its release, and fail readably."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException
from pydantic import ValidationError

from airflow_release_plugin.exceptions import ReleaseError

RELEASE_ID_FROM_CONF = "{{ dag_run.conf['release_id'] }}"
"""The release that the pipeline's run was started for."""


@contextmanager
def readable_failures() -> Iterator[None]:
    """
    Fail the task for good when the server says no, with its message, or when arguments are impossible.

    Errors that trying again may mend (5xx, no answer) pass, so that the task's retries apply.
    """
    try:
        yield
    except ReleaseError as error:
        if error.status >= 500:
            raise
        raise AirflowFailException(error.message) from error
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, line['loc']))}: {line['msg']}" for line in error.errors()]
        raise AirflowFailException(f"The task's arguments cannot be sent: {'; '.join(wrong)}.") from error


def as_id(value: object, name: str) -> int:
    """Return ``value``, perhaps rendered from a template, as an id. Fails the task when it is none."""
    try:
        found = int(str(value).strip())
    except ValueError:
        found = 0
    if found < 1:
        raise AirflowFailException(
            f"{name} is {value!r}; give the number of one, for example in the run's conf."
        )
    return found
