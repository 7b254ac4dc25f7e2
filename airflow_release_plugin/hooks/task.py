"""What every task of ours does the same way: read its release, and fail readably."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from pydantic import ValidationError

from airflow_release_plugin.exceptions import ReleaseError, error_for_code
from airflow_release_plugin.schemas.task import ClaimBody

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient

RELEASE_ID_FROM_CONF = "{{ dag_run.conf['release_id'] }}"
"""The release that the pipeline's run was started for."""
_SECRETS: dict[tuple[Any, ...], str] = {}
"""By the try of the task in which we run."""
REFUSED = "refused"
"""``error_type`` of a trigger's event where the wait ended, but not as was hoped."""


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


def require_waited(event: Mapping[str, Any]) -> None:
    """Fail the task when its wait in the triggerer broke, for good unless trying again may mend that."""
    if event["status"] == "error" and event["error_type"] != REFUSED:
        kind = error_for_code(event["error_type"])
        raise (AirflowException if kind.status >= 500 else AirflowFailException)(event["message"])


def named_task(ti: Any) -> dict[str, Any]:
    """What names one try of a task instance, as bodies of requests have it."""
    return {
        "dag_id": ti.dag_id,
        "run_id": ti.run_id,
        "task_id": ti.task_id,
        "map_index": -1 if ti.map_index is None else ti.map_index,
        "try_number": ti.try_number,
    }


def speak_as(client: ReleaseClient, release_id: int, ti: Any) -> None:
    """
    Let what ``client`` says of the release from now on come from the task ``ti``, in which we run.

    The secret lives in this process alone: an XCom or a connection could be read by other tasks.
    """
    task = named_task(ti)
    secret = _SECRETS.setdefault(tuple(task.values()), secrets.token_urlsafe(32))
    client.claim(release_id, ClaimBody(**task, secret=secret))


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


def as_list(value: Any) -> list[Any]:
    """Return ``value`` as a list: it may be one, a single thing, or a template's text for either."""
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = json.loads(value.replace("'", '"'))
        else:
            value = [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple | set) else [value]


def failed_for_good(
    message: str, problems: Sequence[str], where: str = "see the release"
) -> AirflowFailException:
    """
    Return the exception for a step that said no: ``message``, and a line for each of twenty problems.

    :param where: the others are told
    """
    shown = [f"- {problem}" for problem in problems[:20]]
    if len(problems) > len(shown):
        shown.append(f"- and {len(problems) - len(shown)} more, {where}")
    return AirflowFailException("\n".join([message, *shown]))
